/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What overlay filesystems write on disk: the kernel's extended attributes under
 * trusted.overlay. or user.overlay., whiteouts, and the ".wh." files of OCI
 * layers.  Functions return 0 or a count, or a negative errno value.
 */
#ifndef FUSE_FORMAT_H
#define FUSE_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { FORMAT_PREFIX_MAX = 32, ORIGIN_MAX = 160 };

/* Which family of names is written; both are read where visible. */
struct format {
	char prefix[FORMAT_PREFIX_MAX]; /* "trusted.overlay." or "user.overlay." */
	int user;                       /* the latter */
};

#define OCI_WHITEOUT_PREFIX ".wh."
#define OCI_OPAQUE_NAME ".wh..wh..opq"

/* The marks on one directory or file. */
struct marks {
	int opaque;        /* a directory that hides those below */
	int xattr_whiteouts; /* a directory that may hold whiteouts made of an xattr */
	int impure;        /* a directory that may hold copied-up entries */
	int whiteout;      /* an empty file that is a whiteout */
	int metacopy;      /* a file whose data is in a layer below */
	char *redirect;    /* another name or absolute path in the layers below; owned */
	uint64_t origin;   /* inode number before copy-up, or 0 */
};

void marks_done(struct marks *m);

/* Reads all marks of dirfd/name (nofollow); no marks is success. */
int format_read_marks(const struct format *f, int dirfd, const char *name, struct marks *ret);

/* Sets or removes one mark: "opaque", "redirect", "impure", ... */
int format_set(const struct format *f, int dirfd, const char *name, const char *mark,
	       const void *value, size_t size);
int format_remove(const struct format *f, int dirfd, const char *name, const char *mark);

/* Fills value with what the "origin" mark of dirfd/name holds after a copy-up;
 * returns its length. */
int format_origin_of(int dirfd, const char *name, int at_flags, unsigned char value[ORIGIN_MAX]);

/* Whether a name is one of the format's own and must not be shown; names of
 * containers are escaped so that overlays nest: see format_escape(). */
int format_is_private(const struct format *f, const char *xattr);

/* The name under which the layers store the container's xattr name: differs only
 * for names under our prefix.  Returns name or buf; NULL when too long. */
const char *format_escape(const struct format *f, const char *name, char *buf, size_t size);

/* Undoes the above for a listing, in place.  Returns 0 when the name is hidden. */
int format_unescape(const struct format *f, char *name);

static inline int format_is_device_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

#endif
