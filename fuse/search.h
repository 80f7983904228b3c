/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One search of a name through the layers, shared by lookup.c, which goes down the
 * parts of a directory, and follow.c, which follows redirects and metacopies.
 */
#ifndef FUSE_SEARCH_H
#define FUSE_SEARCH_H

#include <stdint.h>
#include <sys/stat.h>

struct file_data;
struct marks;
struct node;
struct unionfs;

enum { NAME_ROOM = 256 };

/* One lower directory that was found. */
struct part {
	uint16_t layer;
	uint16_t xattr_whiteouts;
	char *path;
};

struct search {
	struct unionfs *fs;
	struct stat st;       /* of the topmost thing found */
	int found;            /* st is valid */
	int listed;           /* a listing said where to begin */
	int in_upper;
	unsigned slot;        /* of the parent, for a file */
	unsigned flags;       /* for the node */
	uint64_t origin;
	uint64_t lower_ino;   /* of the first lower part */
	struct part *parts;
	unsigned n_parts, cap;
	struct file_data *data;
	char name[NAME_ROOM]; /* changes with a relative redirect */
	char *absolute;       /* an absolute redirect ends the walk of the parent */
	char *redirect;       /* of the upper part */
	int done;
};

/* "dir/name", to be freed, or NULL without memory; dir may be ".". */
char *search_join(const char *dir, const char *name);

/* Takes over path, which may be NULL: then there was no memory. */
int search_add_part(struct search *s, unsigned layer, char *path, int xattr_whiteouts);

/* The marks of OCI layers: a whiteout beside the name, opacity in the directory. */
int has_oci_whiteout(int dirfd, const char *name);
int has_oci_opaque(int dirfd, const char *name);

/* Continues below under the name or path that a redirect names. */
int search_redirect(struct search *s, struct marks *m);

/* Looks for the directory s->absolute in layer l. */
int search_absolute(struct search *s, unsigned l);

/* Finds the data of a metacopy file, which lies below the given part of parent. */
int search_data(struct search *s, struct node *parent, unsigned slot);

#endif
