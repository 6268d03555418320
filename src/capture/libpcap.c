/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpcap.c - loads libpcap, once, and keeps it until the process ends.
 */
#include "capture/libpcap.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"

static struct libpcap functions;
static bool there;

/* ISO C has no cast from an object pointer to one of a function; POSIX says that dlsym()'s answer is both. */
static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static void load(void)
{
    void *library = dlopen("libpcap.so.0.8", RTLD_NOW | RTLD_LOCAL); /* Debian's name of it */
    if (!library)
        library = dlopen("libpcap.so.1", RTLD_NOW | RTLD_LOCAL);
    there = library && find(library, "pcap_open_dead", &functions.open_dead) &&
            find(library, "pcap_close", &functions.close) && find(library, "pcap_compile", &functions.compile) &&
            find(library, "pcap_geterr", &functions.geterr) && find(library, "pcap_freecode", &functions.freecode) &&
            find(library, "bpf_filter", &functions.filter);
}

const struct libpcap *capture_libpcap(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    WEIR_CHECK(pthread_once(&once, load) == 0);
    return there ? &functions : NULL;
}
