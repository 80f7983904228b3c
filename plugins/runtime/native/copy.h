/* SPDX-License-Identifier: Apache-2.0 */
/* Copies a folder's content with owners, modes and times: for tmpcopyup. */
#ifndef NATIVE_COPY_H
#define NATIVE_COPY_H

struct gantry_error;

/* Copies what is below `from` (a folder, borrowed) into `to`; symbolic links are
 * copied, never followed, and other mounts are not entered. */
int copy_tree(int from, int to, struct gantry_error *err);

#endif
