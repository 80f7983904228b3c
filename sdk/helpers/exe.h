/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that put processes into containers must not be executed from a file
 * that can be written through them: a container can make such a process execute
 * /proc/self/exe and write to that file later (CVE-2019-5736).
 */
#ifndef HELPERS_EXE_H
#define HELPERS_EXE_H

/* Is the open program file exe safe: on a read-only mount, or sealed? */
int exe_is_protected(int exe);

/* Opens the same program so that it is safe, for execveat(2) with AT_EMPTY_PATH:
 * through a detached read-only mount, or where that is not allowed as a sealed copy
 * in memory.  Returns a close-on-exec descriptor or a negative errno. */
int exe_open_protected(int exe);

#endif
