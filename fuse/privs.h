/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file loses when somebody without CAP_FSETID changes it: setuid, setgid, and
 * its capabilities.  The kernel says when (FUSE_HANDLE_KILLPRIV_V2), we do it.
 */
#ifndef FUSE_PRIVS_H
#define FUSE_PRIVS_H

struct loc;
struct request;
struct stat;

/* Takes the bits away that the caller of rq may not leave on the file; st is updated. */
int privs_drop_mode(struct request *rq, const struct loc *loc, struct stat *st);

#endif
