/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count_alloc - preloaded into weir, counts who asks for memory while a capture is read.
 *
 * It stands in front of malloc, calloc, realloc, aligned_alloc, posix_memalign and mmap, and of read(), by which it
 * knows how far the run is: between COUNT_FROM and COUNT_TO bytes of regular files read, each call is put down to the
 * object that made it (the program or a library).  At the end it writes to the file COUNT_OUT
 *
 *     before N                calls before COUNT_FROM
 *     bytes N                 read in all
 *     during OBJECT N ADDRESS calls in between, by object, with the place of the last one
 *
 * With COUNT_TRY set it asks for memory itself once in between, in the program's name: a test of the test.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACES 64

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **memory, size_t alignment, size_t size);

static atomic_ullong bytes_read, calls_before;
static unsigned long long from_bytes = ~0ull, to_bytes = ~0ull;
static struct {
    _Atomic(void *) caller;
    atomic_ullong calls;
} places[PLACES];
static bool try_it;
static char own; /* its address tells this library's own calls */

static void count(void *caller)
{
    unsigned long long at = atomic_load(&bytes_read);
    if (at < from_bytes) {
        atomic_fetch_add(&calls_before, 1);
        return;
    }
    if (at >= to_bytes)
        return;
    for (int i = 0; i < PLACES; i++) {
        void *there = NULL;
        if (atomic_compare_exchange_strong(&places[i].caller, &there, caller) || there == caller) {
            atomic_fetch_add(&places[i].calls, 1);
            return;
        }
    }
}

void *malloc(size_t size)
{
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    count(__builtin_return_address(0));
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12;
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    static void *(*next)(void *, size_t, int, int, int, off_t);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "mmap");
    count(__builtin_return_address(0));
    return next(address, size, protection, flags, fd, offset);
}

ssize_t read(int fd, void *to, size_t size)
{
    static ssize_t (*next)(int, void *, size_t);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "read");
    ssize_t got = next(fd, to, size);
    struct stat status;
    if (got > 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        unsigned long long at = atomic_fetch_add(&bytes_read, (unsigned long long)got) + (unsigned long long)got;
        if (try_it && at >= from_bytes && at < to_bytes) {
            try_it = false;
            count(&own);
        }
    }
    return got;
}

static unsigned long long number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : ~0ull;
}

__attribute__((constructor)) static void begin(void)
{
    from_bytes = number_of("COUNT_FROM");
    to_bytes = number_of("COUNT_TO");
    try_it = getenv("COUNT_TRY") != NULL;
}

__attribute__((destructor)) static void end(void)
{
    from_bytes = to_bytes = ~0ull;
    const char *path = getenv("COUNT_OUT");
    FILE *out = path ? fopen(path, "w") : NULL;
    if (!out)
        return;
    fprintf(out, "before %llu\nbytes %llu\n", atomic_load(&calls_before), atomic_load(&bytes_read));
    for (int i = 0; i < PLACES && places[i].caller; i++) {
        Dl_info info = {0};
        dladdr(places[i].caller, &info);
        const char *slash = info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;
        fprintf(out, "during %s %llu +0x%llx\n", slash ? slash + 1 : "?", atomic_load(&places[i].calls),
                (unsigned long long)((char *)places[i].caller - (char *)info.dli_fbase));
    }
    fclose(out);
}
