/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System call filters.  A profile is compiled by libseccomp once; the program is
 * kept in a folder that only its owner can write, under a name made of all that it
 * depends on, so that starting a container costs one read.
 */
#ifndef NATIVE_SECCOMP_H
#define NATIVE_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct gantry_error;
struct json_object;

struct seccomp_filter {
	struct sock_filter *insns; /* owned */
	unsigned short n;          /* 0: no filter */
	uint32_t flags;            /* SECCOMP_FILTER_FLAG_* */
};

#define SECCOMP_FILTER_INIT { NULL, 0, 0 }

/* The filter of linux.seccomp (oci, may be NULL) or, without it, of `profile`:
 * NULL or "unconfined" for none, "default", or a profile as JSON in the OCI's or
 * Docker's format.  caps is the bounding set, which conditional rules look at.
 * cache_dir may be NULL. */
int seccomp_prepare(struct json_object *oci, const char *profile, uint64_t caps,
		    const char *cache_dir, struct seccomp_filter *ret, struct gantry_error *err);

/* Installs it in this process.  *ret_notify is the listener when the profile has
 * SCMP_ACT_NOTIFY, else -1. */
int seccomp_install(const struct seccomp_filter *f, int *ret_notify, struct gantry_error *err);

void seccomp_filter_done(struct seccomp_filter *f);
static inline void seccomp_filter_auto(struct seccomp_filter *f)
{
	seccomp_filter_done(f);
}

/* Compiles a parsed profile (seccomp_compile.c). */
int seccomp_compile(struct json_object *profile, const char *name, uint64_t caps,
		    struct seccomp_filter *ret, struct gantry_error *err);

#endif
