/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock per blob guards the two bit maps: `map`, mapped from its file, says which blocks are
 * there, `busy` which somebody fetches just now.  Data is written before its bit is set, so a
 * process that is killed leaves no bit without data; after a power cut a bit may lie, which the
 * chunk's digest finds out, and the blob's before it is published.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/content/content.h"
#include "core/engine/engine.h"
#include "core/lazy/blob.h"
#include "core/lazy/client.h"
#include "core/lazy/source.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define BLOCK (64 * 1024)
#define AHEAD (2 << 20)      /* bytes of one transfer ahead of need */
#define URGENT_MIN (256 * 1024) /* and of one that somebody waits for */
#define MAX_SOURCE 65536
#define RETRY_NS 1000000000LL /* before a blob that came damaged is fetched again; doubles ... */
#define MAX_RETRY_SHIFT 9     /* ... so often */

struct blob {
	struct core *core;
	char digest[DIGEST_SIZE];
	int64_t size;
	struct index index;
	struct source *source; /* NULL: nothing can be fetched */
	int folder; /* O_PATH: has it been removed? */
	int data;
	int64_t n_blocks;

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	unsigned char *map;
	unsigned char *busy;
	int whole;
	int tries;   /* how often it was complete and had another digest */
	int64_t retry_at_ns; /* monotonic; after such a time */
	int64_t ahead; /* block to look at next */
};

static int bit(const unsigned char *map, int64_t i)
{
	return map[i / 8] >> (i % 8) & 1;
}

static void set_bit(unsigned char *map, int64_t i, int on)
{
	if (on) {
		map[i / 8] |= (unsigned char)(1U << (i % 8));
	} else {
		map[i / 8] &= (unsigned char)~(1U << (i % 8));
	}
}

static int is_name(const char *name)
{
	return strlen(name) == BLOB_NAME - 1 && strspn(name, "0123456789abcdef") == BLOB_NAME - 1;
}

static char *read_auth(struct core *core, const char *name)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_free char *path = NULL;

	if (asprintf(&path, "%s/lazy/auth-%s", core->paths.run_root, name) < 0 ||
	    read_file(AT_FDCWD, path, &text, MAX_SOURCE) < 0) {
		return NULL;
	}
	return buf_steal(&text);
}

static int open_source(struct blob *b, int dir, const char *name, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_json struct json_object *o = NULL;
	auto_free char *auth = NULL;
	const char *location, *digest;
	int r = read_file(dir, "source", &text, MAX_SOURCE);

	if (r < 0) {
		return error_errno(err, -r, "cannot read where layer %.12s comes from", name);
	}
	r = json_parse(text.data, text.len, "a layer's source", &o, err);
	if (r < 0) {
		return r;
	}
	digest = json_get_string(o, "Digest");
	location = json_get_string(o, "Location");
	b->size = json_get_int(o, "Size", 0);
	if (!digest_is_valid(digest) || strcmp(digest + 7, name) || b->size <= 0) {
		return error_set(err, GANTRY_ERR_CORRUPT, "the source of layer %.12s is damaged", name);
	}
	snprintf(b->digest, sizeof(b->digest), "%s", digest);
	if (!location || !*location) {
		return 0;
	}
	auth = json_get_bool(o, "Anonymous", 0) ? strdup("{}") : read_auth(b->core, name);
	return source_get(b->core, location, auth, json_get_string(o, "Options"), &b->source, err);
}

/* The file of bits, made when it is not there. */
static int open_map(struct blob *b, int dir, struct gantry_error *err)
{
	size_t size = (size_t)(b->n_blocks + 7) / 8;
	auto_fd int fd = openat(dir, "map", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 ||
	    ((size_t)st.st_size != size && (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)size) < 0))) {
		return error_errno(err, errno, "cannot open the map of layer %s", b->digest);
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		return error_errno(err, errno, "cannot map the map of layer %s", b->digest);
	}
	b->map = map;
	b->busy = calloc(1, size);
	return b->busy ? 0 : error_no_memory(err);
}

static int open_data(struct blob *b, int dir, struct gantry_error *err)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int r;

	b->whole = content_open(b->core->paths.root, b->digest, &b->data, &ignored) == 0;
	if (b->whole) {
		return 0;
	}
	b->n_blocks = (b->size + BLOCK - 1) / BLOCK;
	b->data = openat(dir, "data", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (b->data < 0) {
		return error_errno(err, errno, "cannot open what is here of layer %s", b->digest);
	}
	r = open_map(b, dir, err);
	/* A file that another process published meanwhile is no loss: it is found empty here. */
	if (r == 0 && ftruncate(b->data, b->size) < 0) {
		r = error_errno(err, errno, "cannot make room for layer %s", b->digest);
	}
	return r;
}

static void blob_free(struct blob *b)
{
	index_close(&b->index);
	if (b->data >= 0) {
		close(b->data);
	}
	if (b->map) {
		munmap(b->map, (size_t)(b->n_blocks + 7) / 8);
	}
	if (b->folder >= 0) {
		close(b->folder);
	}
	free(b->busy);
	free(b);
}

static int open_parts(struct blob *b, int dir, const char *name, struct gantry_error *err)
{
	auto_fd int fd = openat(dir, "index", O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0) {
		return error_errno(err, errno, "cannot open the index of layer %.12s", name);
	}
	r = open_source(b, dir, name, err);
	if (r == 0) {
		r = index_open(fd, b->digest, &b->index, err);
	}
	if (r == 0 && b->index.header->blob_size != (uint64_t)b->size) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "the index of layer %s is of another size", b->digest);
	}
	return r < 0 ? r : open_data(b, dir, err);
}

int blob_open(struct core *core, const char *name, struct blob **ret, struct gantry_error *err)
{
	auto_free char *path = is_name(name) ? lazy_path(core, name) : NULL;
	auto_fd int dir = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct blob *b;
	int r;

	if (dir < 0) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "no layer %.64s is read in place", name);
	}
	b = calloc(1, sizeof(*b));
	if (!b) {
		return error_no_memory(err);
	}
	b->core = core;
	b->data = -1;
	b->folder = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	r = open_parts(b, dir, name, err);
	if (r < 0) {
		blob_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

const struct index *blob_index(const struct blob *b)
{
	return &b->index;
}

const char *blob_digest(const struct blob *b)
{
	return b->digest;
}

struct filling {
	struct blob *b;
	int64_t at;   /* byte of the blob */
	int64_t first; /* block that is not marked yet */
	int64_t end;  /* byte */
};

static int take(void *ctx, const void *data, size_t len, struct gantry_error *err)
{
	struct filling *f = ctx;
	int r = write_at(f->b->data, data, len, f->at);
	int64_t done;

	if (r < 0) {
		error_errno(err, -r, "cannot keep what came of layer %s", f->b->digest);
		return error_hint(err, "free some space: `gantry system df` shows what takes it");
	}
	f->at += (int64_t)len;
	done = f->at >= f->end ? (f->end + BLOCK - 1) / BLOCK : f->at / BLOCK;
	pthread_mutex_lock(&f->b->lock);
	while (f->first < done) {
		set_bit(f->b->map, f->first++, 1);
	}
	pthread_cond_broadcast(&f->b->changed);
	pthread_mutex_unlock(&f->b->lock);
	return 0;
}

/* Fetches blocks [first, end), which are marked as busy; the lock is not held. */
static int fetch_blocks(struct blob *b, int64_t first, int64_t end, enum source_urgency urgency,
			struct gantry_error *err)
{
	int64_t from = first * BLOCK, to = end * BLOCK < b->size ? end * BLOCK : b->size;
	struct filling f = { .b = b, .at = from, .first = first, .end = to };
	int r = b->source ? source_fetch(b->source, b->digest, from, to - from, urgency, take, &f, err)
			  : error_set(err, GANTRY_ERR_UNAVAILABLE, "layer %s has no source", b->digest);

	pthread_mutex_lock(&b->lock);
	for (int64_t i = first; i < end; i++) {
		set_bit(b->busy, i, 0);
	}
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	return r;
}

/* The run of blocks from i that are neither there nor on their way, marked as busy. */
static int64_t claim(struct blob *b, int64_t i, int64_t limit)
{
	int64_t end = i;

	while (end < limit && end < b->n_blocks && !bit(b->map, end) && !bit(b->busy, end)) {
		set_bit(b->busy, end++, 1);
	}
	return end;
}

/* Waits for blocks [first, end) and fetches those that nobody does. */
static int need(struct blob *b, int64_t first, int64_t end, struct gantry_error *err)
{
	int r = 0;

	pthread_mutex_lock(&b->lock);
	for (int64_t i = first; r == 0 && !b->whole && i < end;) {
		if (bit(b->map, i)) {
			i++;
		} else if (bit(b->busy, i)) {
			pthread_cond_wait(&b->changed, &b->lock);
		} else {
			int64_t limit = i + URGENT_MIN / BLOCK > end ? i + URGENT_MIN / BLOCK : end;
			int64_t stop = claim(b, i, limit);

			pthread_mutex_unlock(&b->lock);
			r = fetch_blocks(b, i, stop, SOURCE_URGENT, err);
			pthread_mutex_lock(&b->lock);
		}
	}
	pthread_mutex_unlock(&b->lock);
	return r;
}

int blob_read(struct blob *b, uint64_t offset, size_t len, void *to, struct gantry_error *err)
{
	int r = len ? need(b, (int64_t)offset / BLOCK, ((int64_t)(offset + len) + BLOCK - 1) / BLOCK, err)
		    : 0;

	for (size_t done = 0; r == 0 && done < len;) {
		ssize_t n = pread(b->data, (char *)to + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? error_errno(err, errno, "cannot read layer %s", b->digest)
				     : error_set(err, GANTRY_ERR_CORRUPT, "blob %s is cut short", b->digest);
		}
		done += (size_t)n;
	}
	return r;
}

int blob_forget(struct blob *b, uint64_t offset, size_t len)
{
	int64_t end = ((int64_t)(offset + len) + BLOCK - 1) / BLOCK;
	int forgot;

	pthread_mutex_lock(&b->lock);
	forgot = !b->whole && b->source;
	for (int64_t i = (int64_t)offset / BLOCK; forgot && i < end; i++) {
		set_bit(b->map, i, 0);
	}
	pthread_mutex_unlock(&b->lock);
	return forgot;
}

static int digest_data(struct blob *b, char digest[DIGEST_SIZE], struct gantry_error *err)
{
	auto_free char *chunk = malloc(1 << 20);
	struct digester *d = NULL;
	int r = chunk ? digester_new(&d, err) : error_no_memory(err);

	for (int64_t at = 0; r == 0 && at < b->size;) {
		ssize_t n = pread(b->data, chunk, 1 << 20, at);

		if (n <= 0 && !(n < 0 && errno == EINTR)) {
			r = error_errno(err, n < 0 ? errno : EIO, "cannot read layer %s", b->digest);
		} else if (n > 0) {
			digester_add(d, chunk, (size_t)n);
			at += n;
		}
	}
	if (r == 0) {
		digester_result(d, digest);
	}
	digester_free(d);
	return r;
}

/* All is there: it becomes a blob of the content store, or is fetched again. */
static int settle(struct blob *b, struct gantry_error *err)
{
	auto_free char *data = path_join(b->core->paths.root, "lazy", b->digest + 7, "data", NULL);
	char digest[DIGEST_SIZE];
	int good, r = digest_data(b, digest, err);

	if (r < 0) {
		return r;
	}
	good = strcmp(digest, b->digest) == 0;
	if (good) {
		r = content_adopt(b->core->paths.root, b->digest, data, b->data, err);
		if (r < 0) {
			return r;
		}
	}
	pthread_mutex_lock(&b->lock);
	b->whole = good;
	if (!good) {
		memset(b->map, 0, (size_t)(b->n_blocks + 7) / 8);
		b->retry_at_ns = time_monotonic_ns() + (RETRY_NS << b->tries);
		b->tries += b->tries < MAX_RETRY_SHIFT;
	}
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	if (!good) {
		lazy_log(b->core, "blob %s is corrupt: the bytes received have digest %s; it is fetched again",
			 b->digest, digest);
		return error_set(err, GANTRY_ERR_CORRUPT, "blob %s is corrupt: the bytes received have "
				 "digest %s", b->digest, digest);
	}
	return 0;
}

int blob_is_removed(const struct blob *b)
{
	struct stat st;

	return fstat(b->folder, &st) < 0 || st.st_nlink == 0;
}

int blob_fetch_ahead(struct blob *b, struct gantry_error *err)
{
	int64_t first, end;
	int all, r;

	if (blob_is_whole(b) || !b->source || blob_is_removed(b)) {
		return 0;
	}
	if (blob_rest_ms(b) > 0 && b->tries) {
		return error_set(err, GANTRY_ERR_CORRUPT, "blob %s was corrupt when it came; it is fetched "
				 "again in a while", b->digest);
	}
	source_wait_for_calm();
	pthread_mutex_lock(&b->lock);
	all = 1;
	first = end = -1;
	for (int64_t i = 0; i < b->n_blocks && end <= first; i++) {
		int64_t at = (b->ahead + i) % b->n_blocks;

		if (bit(b->map, at)) {
			continue;
		}
		all = 0;
		if (!bit(b->busy, at)) {
			first = at;
			end = claim(b, at, at + AHEAD / BLOCK);
			b->ahead = end % b->n_blocks;
		}
	}
	if (!all && first < 0) {
		/* Readers fetch all that is left. */
		pthread_cond_wait(&b->changed, &b->lock);
	}
	pthread_mutex_unlock(&b->lock);
	if (first >= 0) {
		r = fetch_blocks(b, first, end, SOURCE_AHEAD, err);
	} else {
		r = all ? settle(b, err) : 0;
	}
	return r < 0 ? r : !blob_is_whole(b);
}

int blob_is_whole(struct blob *b)
{
	int whole;

	pthread_mutex_lock(&b->lock);
	whole = b->whole;
	pthread_mutex_unlock(&b->lock);
	return whole;
}

int64_t blob_rest_ms(struct blob *b)
{
	int64_t source = b->source ? source_rest_ms(b->source) : 0, own;

	pthread_mutex_lock(&b->lock);
	own = b->retry_at_ns ? (b->retry_at_ns - time_monotonic_ns()) / 1000000 : 0;
	pthread_mutex_unlock(&b->lock);
	return own > source ? own : source;
}

int64_t blob_present(struct blob *b)
{
	int64_t n = 0;

	if (blob_is_whole(b)) {
		return b->size;
	}
	pthread_mutex_lock(&b->lock);
	for (int64_t i = 0; i < b->n_blocks; i++) {
		n += bit(b->map, i);
	}
	pthread_mutex_unlock(&b->lock);
	return n * BLOCK < b->size ? n * BLOCK : b->size;
}
