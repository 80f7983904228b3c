/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners for which this user namespace has no ids.  Where there is one id, every file
 * belongs to it; who owns it in the image is kept in an attribute beside it, in
 * the form that other container tools read:
 *
 *   user.containers.override_stat = "uid:gid:mode[:block-MAJ-MIN|:char-MAJ-MIN|:pipe|:socket]"
 *
 * A file without it belongs to root.  The mode counts only with a type, for what
 * stands there as an empty regular file since this user may not make it; else the
 * file's own mode does.  Symbolic links take no such attributes; theirs is an attribute
 * of the folder they are in, user.gantry.owner.NAME.
 * Attributes of the host's security modules, which no user may set, are kept as
 * user.gantry.kept.NAME.
 */
#ifndef HELPERS_OWNERS_H
#define HELPERS_OWNERS_H

#include <sys/stat.h>
#include <sys/types.h>

#define OWNERS_XATTR "user.containers.override_stat"
#define OWNERS_LINK_XATTR "user.gantry.owner."
#define OWNERS_KEPT_XATTR "user.gantry.kept."

/* May owners be kept in attributes here, outside of the host's own user namespace?
 * Constant for a process. */
int owners_are_kept(void);

/* Corrects owner, and type with mode and device number, of what was stat'ed.  1 when something was
 * kept for it, else 0. */
int owners_apply(int dir, const char *name, struct stat *st);
int owners_apply_fd(int fd, struct stat *st); /* also O_PATH */

/* Keeps st's owner and, if `as` is not the type of the file that is there, st's type, mode and
 * device number.  Root's files need no attribute: one that is there goes.  0 or a
 * negative errno; ENOTSUP where the filesystem has no attributes. */
int owners_keep(int dir, const char *name, const struct stat *st, mode_t there);
int owners_keep_fd(int fd, const struct stat *st, mode_t there);

/* The text of the attribute, taken apart and put together.  -1 when it is damaged. */
int owners_parse(const char *text, size_t len, struct stat *st);
int owners_format(const struct stat *st, mode_t there, char *to, size_t size);

#endif
