# SPDX-License-Identifier: Apache-2.0
# A short front for meson. `make` builds build/weir; the other targets are told by `make help`.
BUILD ?= build
PREFIX ?= /usr/local
BENCH ?= full
FUZZ_SECONDS ?= 60
CORPUS ?= ../shared
SOURCES = $(shell git ls-files '*.c' '*.h')

.PHONY: all help deps demo test check-corpus bench fuzz integration install deb clean format

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet
	@ln -sf src/cli/weir $(BUILD)/weir

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: make deps installs what the build needs" >&2; exit 1; }
	@meson setup $(BUILD) --prefix $(PREFIX) >/dev/null || { tail -n 20 $(BUILD)/meson-logs/meson-log.txt; exit 1; }

help:
	@echo "make               builds $(BUILD)/weir"
	@echo "make deps          installs what the build needs (Debian packages; root or sudo)"
	@echo "make demo          deps, build, and the summary of a bundled capture"
	@echo "make test          deps, build, unit tests, dialogs and system tests"
	@echo "make check-corpus  compares rows with the truth in CORPUS=$(CORPUS), where that is"
	@echo "make bench         speed beside others; BENCH=quick for a short run"
	@echo "make fuzz          each fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "make integration   tests with heavy real servers"
	@echo "make install       to PREFIX=$(PREFIX), below DESTDIR"
	@echo "make deb           a Debian package in $(BUILD)/"
	@echo "make format        clang-format over every source"

deps:
	@tools/deps build

demo: deps
	@$(MAKE) --no-print-directory all
	@$(BUILD)/weir read tests/pcaps/demo.pcapng

# One run at the end so that the last line is the sum of everything.
test:
	@tools/deps build test
	@tests/run $(BUILD)

check-corpus: all
	@tests/corpus $(CORPUS) $(BUILD)/weir

bench:
	@tools/deps build bench
	@$(MAKE) --no-print-directory all
	@CORPUS=$(CORPUS) bench/run --size $(BENCH) --weir $(BUILD)/weir

fuzz:
	@tools/deps build fuzz
	@tests/fuzz/run $(FUZZ_SECONDS)

integration:
	@tools/deps build test
	@$(MAKE) --no-print-directory all
	@tests/system/run --weir $(BUILD)/weir --integration

install: all
	@meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

deb: all
	@tools/deb $(BUILD)

clean:
	rm -rf $(BUILD) build-*

format:
	clang-format -i $(SOURCES)
