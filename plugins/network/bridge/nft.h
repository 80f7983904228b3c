/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs nftables commands through libnftables, which is loaded on first use: a
 * container without published ports never pays for it.
 */
#ifndef BRIDGE_NFT_H
#define BRIDGE_NFT_H

#include <gantry/error.h>

struct buf;

/* Runs commands as one transaction.  Output (of a list; with handles) is added to ret_output
 * when that is not NULL. UNSUPPORTED when the library is missing; NOT_FOUND and EXISTS
 * when nft says so, which callers may expect. */
int nft_run(const char *commands, struct buf *ret_output, struct gantry_error *err);

#endif
