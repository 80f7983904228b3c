/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settling features with the kernel: the INIT request, and the explanation of the
 * outcome.
 */
#ifndef FUSE_INIT_H
#define FUSE_INIT_H

struct request;
struct unionfs;

int init_handle(struct request *rq);

#endif
