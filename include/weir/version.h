/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_VERSION_H
#define WEIR_VERSION_H

/* The release, as `weir --version` prints it. */
#define WEIR_VERSION "0.1.0"

/*
 * The analyser ABI.  An analyser states the number that it was compiled with; the host takes one that equals
 * its own.  It grows when a struct or an entry of `struct weir_host` changes meaning or place; new members at
 * the end of a struct do not change it, since every such struct carries its size.
 */
#define WEIR_ABI 1

#endif
