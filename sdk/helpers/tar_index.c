/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "layer.h"
#include "tar_index.h"

#define BLOCK 512
#define MAX_ITEMS 1000000
#define MAX_EXTENSION (1024 * 1024)
#define MAX_LINKS 16

/* What extension headers say about the entry that follows. */
struct pending {
	struct buf name;
	struct buf link;
	int64_t size; /* -1: not said */
};

static void pending_auto(struct pending *p)
{
	buf_done(&p->name);
	buf_done(&p->link);
}

static int damaged(struct gantry_error *err, const char *what)
{
	return error_set(err, GANTRY_ERR_CORRUPT, "the archive is damaged: %s", what);
}

/* Octal text, or big-endian binary with the first bit set; -1: neither. */
static int64_t parse_number(const unsigned char *p, size_t len)
{
	int64_t v = 0;
	size_t i = 0;

	if (p[0] & 0x80) {
		v = p[0] & 0x7f;
		for (i = 1; i < len; i++) {
			if (v > INT64_MAX >> 8)
				return -1;
			v = v << 8 | p[i];
		}
		return v;
	}
	while (i < len && p[i] == ' ')
		i++;
	for (; i < len && p[i] >= '0' && p[i] <= '7'; i++) {
		if (v > INT64_MAX >> 3)
			return -1;
		v = v << 3 | (p[i] - '0');
	}
	return i < len && p[i] != ' ' && p[i] != '\0' ? -1 : v;
}

static int checksum_fits(const unsigned char *h)
{
	int64_t sum = 0;

	for (int i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return sum == parse_number(h + 148, 8);
}

static int is_zero(const unsigned char *h)
{
	for (int i = 0; i < BLOCK; i++) {
		if (h[i])
			return 0;
	}
	return 1;
}

static int read_at(int fd, void *to, size_t len, int64_t offset, struct gantry_error *err)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(fd, (char *)to + got, len - got, offset + (int64_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno, "cannot read the archive");
		if (n == 0)
			return damaged(err, "it ends too early");
		got += (size_t)n;
	}
	return 0;
}

static int read_extension(int fd, int64_t offset, int64_t size, struct buf *out,
			  struct gantry_error *err)
{
	char *to;
	int r;

	if (size > MAX_EXTENSION)
		return damaged(err, "an extended header is too large");
	buf_clear(out);
	to = buf_reserve(out, (size_t)size + 1);
	if (!to)
		return error_no_memory(err);
	r = read_at(fd, to, (size_t)size, offset, err);
	if (r < 0)
		return r;
	to[size] = '\0';
	out->len = (size_t)size;
	return 0;
}

/* "LEN key=value\n" records. */
static int parse_pax(const struct buf *b, struct pending *p, struct gantry_error *err)
{
	const char *at = buf_str(b), *end = at + b->len;

	while (at < end && *at) {
		char *rest;
		long len = strtol(at, &rest, 10);
		const char *value;
		size_t value_len;

		if (len <= 0 || len > end - at || *rest != ' ' || at[len - 1] != '\n')
			return damaged(err, "an extended header is malformed");
		value = memchr(rest, '=', (size_t)(at + len - rest));
		if (!value)
			return damaged(err, "an extended header is malformed");
		value++;
		value_len = (size_t)(at + len - 1 - value);
		if (!strncmp(rest, " path=", 6)) {
			buf_clear(&p->name);
			buf_add(&p->name, value, value_len);
		} else if (!strncmp(rest, " linkpath=", 10)) {
			buf_clear(&p->link);
			buf_add(&p->link, value, value_len);
		} else if (!strncmp(rest, " size=", 6)) {
			p->size = strtoll(value, NULL, 10);
		}
		at += len;
	}
	return buf_failed(&p->name) || buf_failed(&p->link) ? error_no_memory(err) : 0;
}

/* The name in the header itself, with ustar's prefix. */
static void header_name(const unsigned char *h, struct buf *out)
{
	if (!memcmp(h + 257, "ustar\0", 6) && h[345]) {
		buf_add(out, h + 345, strnlen((const char *)h + 345, 155));
		buf_addc(out, '/');
	}
	buf_add(out, h, strnlen((const char *)h, 100));
}

static int add_item(struct tar_index *index, const struct pending *p, char type, int64_t offset,
		    int64_t size, struct gantry_error *err)
{
	char name[PATH_MAX];
	struct tar_item item = { .offset = offset, .size = size };

	/* Entries that nobody could ask for are no part of an image. */
	if (layer_normalise(buf_str(&p->name), name, sizeof(name)) <= 0)
		return 0;
	if (index->n == MAX_ITEMS)
		return error_set(err, GANTRY_ERR_LIMIT, "the archive has more than %d entries", MAX_ITEMS);
	if (index->n == index->cap) {
		size_t cap = index->cap ? index->cap * 2 : 64;
		struct tar_item *more = reallocarray(index->items, cap, sizeof(*more));

		if (!more)
			return error_no_memory(err);
		index->items = more;
		index->cap = cap;
	}
	item.name = strdup(name);
	item.link = type == '1' || type == '2' ? strdup(buf_str(&p->link)) : NULL;
	if (!item.name || ((type == '1' || type == '2') && !item.link)) {
		free(item.name);
		return error_no_memory(err);
	}
	index->items[index->n++] = item;
	return 0;
}

/* One header; *at moves behind its entry. */
static int read_entry(struct tar_index *index, const unsigned char *h, struct pending *p,
		      int64_t *at, int64_t file_size, struct gantry_error *err)
{
	auto_(buf) struct buf pax = BUF_INIT;
	int64_t size = parse_number(h + 124, 12), offset = *at + BLOCK;
	char type = (char)h[156];
	int is_file = type == '0' || type == '\0' || type == '7', r = 0;

	if (is_file && p->size >= 0)
		size = p->size;
	if (size < 0 || size > file_size - offset)
		return damaged(err, "an entry is larger than the archive");
	if (type == 'L' || type == 'K')
		r = read_extension(index->fd, offset, size, type == 'L' ? &p->name : &p->link, err);
	else if (type == 'x')
		r = read_extension(index->fd, offset, size, &pax, err);
	if (r == 0 && type == 'x')
		r = parse_pax(&pax, p, err);
	if (r == 0 && (is_file || type == '1' || type == '2')) {
		if (!p->name.len)
			header_name(h, &p->name);
		if (!p->link.len && !is_file)
			buf_add(&p->link, h + 157, strnlen((const char *)h + 157, 100));
		if (buf_failed(&p->name) || buf_failed(&p->link))
			return error_no_memory(err);
		r = add_item(index, p, is_file ? '0' : type, offset, is_file ? size : 0, err);
	}
	if (type != 'L' && type != 'K' && type != 'x' && type != 'g') {
		buf_clear(&p->name);
		buf_clear(&p->link);
		p->size = -1;
	}
	*at = offset + (size + BLOCK - 1) / BLOCK * BLOCK;
	return r;
}

/* Of one name the later entry comes first, so that it is found. */
static int compare_items(const void *a, const void *b)
{
	const struct tar_item *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return x->offset > y->offset ? -1 : x->offset < y->offset;
}

int tar_index_read(int fd, struct tar_index *ret, struct gantry_error *err)
{
	auto_(pending) struct pending p = { .size = -1 };
	unsigned char h[BLOCK];
	struct stat st;
	int64_t at = 0;
	int r = 0;

	*ret = (struct tar_index){ .fd = fd };
	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "cannot read the archive");
	while (r == 0 && at + BLOCK <= st.st_size) {
		r = read_at(fd, h, sizeof(h), at, err);
		if (r < 0 || is_zero(h))
			break;
		if (!checksum_fits(h))
			return damaged(err, at == 0 ? "it is no tar file" : "a header has a wrong checksum");
		r = read_entry(ret, h, &p, &at, st.st_size, err);
	}
	if (r == 0 && st.st_size > 0 && st.st_size < BLOCK)
		r = damaged(err, "it is no tar file");
	if (r == 0 && ret->n > 0)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_items);
	return r;
}

void tar_index_done(struct tar_index *index)
{
	for (size_t i = 0; i < index->n; i++) {
		free(index->items[i].name);
		free(index->items[i].link);
	}
	free(index->items);
	*index = (struct tar_index){ .fd = -1 };
}

static const struct tar_item *find_item(const struct tar_index *index, const char *name)
{
	size_t low = 0, high = index->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(index->items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < index->n && !strcmp(index->items[low].name, name) ? &index->items[low] : NULL;
}

/* Resolves "../id/layer.tar" as seen from "other/layer.tar". */
static int link_target(const char *name, const char *link, char *to, size_t size)
{
	char base[PATH_MAX];
	char *slash;

	snprintf(base, sizeof(base), "%s", name);
	for (slash = strrchr(base, '/'); !strncmp(link, "../", 3); slash = strrchr(base, '/')) {
		if (!slash)
			return -1;
		*slash = '\0';
		link += 3;
	}
	if (slash)
		*slash = '\0';
	else
		base[0] = '\0';
	if (strlen(base) + strlen(link) + 2 > sizeof(base))
		return -1;
	if (*base)
		strcat(base, "/");
	strcat(base, link);
	return layer_normalise(base, to, size) > 0 ? 0 : -1;
}

const struct tar_item *tar_index_find(const struct tar_index *index, const char *name)
{
	const struct tar_item *item = find_item(index, name);
	char target[PATH_MAX];

	for (int i = 0; item && item->link && i < MAX_LINKS; i++) {
		const struct tar_item *next = NULL;

		/* A hard link counts from the root, a symbolic one from its folder. */
		if (link_target(item->name, item->link, target, sizeof(target)) == 0)
			next = find_item(index, target);
		if (!next && layer_normalise(item->link, target, sizeof(target)) > 0)
			next = find_item(index, target);
		item = next;
	}
	return item && !item->link ? item : NULL;
}
