/* SPDX-License-Identifier: Apache-2.0 */
/* The default profile (seccomp-default.json), carried inside this library. */
#ifndef NATIVE_SECCOMP_DEFAULT_H
#define NATIVE_SECCOMP_DEFAULT_H

/* NUL-terminated JSON. */
extern const char seccomp_default_profile[] __attribute__((visibility("hidden")));

#endif
