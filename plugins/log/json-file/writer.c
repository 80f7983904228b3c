/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file only ever grows by whole write(2)s of whole records, except for records
 * larger than the buffer; a failed write is cut off again.  Rotation is a chain of
 * renames, oldest first: killed between any two, the next rotation goes on, and readers skip
 * the gap.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "compress.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "options.h"
#include "record.h"
#include "writer.h"

#define BUFFER_SIZE 32768
#define ROOM_MIN 64 /* for any of the short pieces of a record */
#define NS_PER_S 1000000000

struct log_writer {
	int dir;
	int fd;
	int64_t max_size;
	int max_file;
	int compress;
	pid_t compressor; /* 0: none */
	int64_t good;     /* the file's size at the end of the last whole record in it */
	int64_t size;     /* the file's size as far as we know */
	int64_t second;   /* what stamp says */
	int64_t no_rotation_until; /* the second in which rotation failed */
	size_t used;      /* bytes in buffer */
	size_t whole;     /* of these, bytes that are whole records */
	char *attributes; /* "\"attrs\":{...}," or NULL */
	char stamp[20];
	char name[LOG_NAME_MAX];
	char buffer[BUFFER_SIZE];
};

int log_file_name(const char *container, char *ret, struct gantry_error *err)
{
	if (!*container || strchr(container, '/') || *container == '.' ||
	    strlen(container) > LOG_NAME_MAX - 40) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%.80s\" is no container id", container);
	}
	sprintf(ret, "%s-json.log", container);
	return 0;
}

void log_rotated_name(const char *name, int i, int compressed, char *ret)
{
	snprintf(ret, LOG_ROTATED_MAX, i ? "%s.%d%s" : "%s", name, i, compressed ? ".gz" : "");
}

/* Opens the current file; a half record at its end gets a newline. */
static int open_file(struct log_writer *w)
{
	auto_fd int fd = openat(w->dir, w->name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				0640);
	struct stat st;
	char last;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return -EINVAL;
	}
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n' &&
	    write(fd, "\n", 1) == 1) {
		st.st_size++;
	}
	replace_fd(&w->fd, steal_fd(&fd));
	w->size = w->good = st.st_size;
	return 0;
}

int log_writer_open(const char *directory, const char *container, const struct log_options *options,
		    const char *attributes, struct log_writer **ret, struct gantry_error *err)
{
	struct log_writer *w = malloc(sizeof(*w));
	int r;

	if (!w) {
		return error_no_memory(err);
	}
	/* Not the buffer: its pages are touched when records come. */
	memset(w, 0, offsetof(struct log_writer, buffer));
	w->fd = -1;
	w->second = -1;
	w->no_rotation_until = -1;
	w->max_size = options->max_size;
	w->max_file = options->max_file;
	w->compress = options->compress;
	w->dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->dir < 0) {
		r = error_errno(err, errno, "cannot open the log folder %s", directory);
	} else {
		r = log_file_name(container, w->name, err);
	}
	if (r == 0 && *attributes && asprintf(&w->attributes, "\"attrs\":%s,", attributes) < 0) {
		w->attributes = NULL;
		r = error_no_memory(err);
	}
	if (r == 0) {
		r = open_file(w);
		if (r < 0) {
			r = error_errno(err, -r, "cannot open the log %s/%s", directory, w->name);
		}
	}
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)log_writer_close(w, &ignored);
		return r;
	}
	*ret = w;
	return 0;
}

/* Cuts off what a failed write left behind the last whole record. */
static void undo_half_record(struct log_writer *w)
{
	struct stat st;

	if (fstat(w->fd, &st) == 0 && st.st_size > w->good && st.st_size <= w->size) {
		(void)!ftruncate(w->fd, w->good);
	}
	w->size = w->good;
	w->used = w->whole = 0;
}

/* Writes the buffer out. */
static int flush(struct log_writer *w, struct gantry_error *err)
{
	int64_t start = w->size;
	size_t done = 0;

	while (done < w->used) {
		ssize_t n = write(w->fd, w->buffer + done, w->used - done);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			int why = errno;

			undo_half_record(w);
			error_errno(err, why, "cannot write the log %s", w->name);
			if (why == ENOSPC || why == EDQUOT) {
				error_hint(err, "free disk space; log options max-size and max-file "
						"limit what a container may use");
			}
			return err->code;
		}
		done += (size_t)n;
		w->size += n;
	}
	if (w->whole == w->used) {
		w->good = w->size;
	} else if (w->whole) {
		w->good = start + (int64_t)w->whole;
	}
	w->used = w->whole = 0;
	return 0;
}

/* The file's state once a second: removed or cut by others? */
static void look_after_file(struct log_writer *w)
{
	struct stat st;

	if (fstat(w->fd, &st) < 0) {
		return;
	}
	if (st.st_nlink == 0) {
		(void)open_file(w);
	} else if (st.st_size != w->size) {
		w->size = w->good = st.st_size;
	}
}

static void start_compression(struct log_writer *w)
{
	char plain[LOG_ROTATED_MAX], packed[LOG_ROTATED_MAX];

	if (w->compressor > 0) {
		(void)waitpid(w->compressor, NULL, 0);
	}
	log_rotated_name(w->name, 1, 0, plain);
	log_rotated_name(w->name, 1, 1, packed);
	w->compressor = compress_in_child(w->dir, plain, packed);
}

/* Makes room for the current file under ".1" and puts it there. */
static int shift_files(struct log_writer *w)
{
	char from[LOG_ROTATED_MAX], to[LOG_ROTATED_MAX];

	for (int packed = 0; packed < 2; packed++) {
		log_rotated_name(w->name, w->max_file - 1, packed, to);
		if (unlinkat(w->dir, to, 0) < 0 && errno != ENOENT) {
			return -errno;
		}
	}
	for (int i = w->max_file - 1; i > 0; i--) {
		for (int packed = 0; packed < 2; packed++) {
			if (i == 1 && packed) {
				continue;
			}
			log_rotated_name(w->name, i - 1, packed, from);
			log_rotated_name(w->name, i, packed, to);
			if (renameat(w->dir, from, w->dir, to) < 0 && errno != ENOENT) {
				return -errno;
			}
		}
	}
	return 0;
}

/* Failure keeps the current file; it is tried again in another second. */
static void rotate(struct log_writer *w)
{
	int r;

	if (w->no_rotation_until == w->second) {
		return;
	}
	if (w->max_file < 2) {
		r = ftruncate(w->fd, 0) < 0 ? -errno : 0;
		if (r == 0) {
			w->size = w->good = 0;
		}
	} else {
		if (w->compressor > 0) {
			/* Its file must not be renamed under its hands. */
			(void)waitpid(w->compressor, NULL, 0);
			w->compressor = 0;
		}
		r = shift_files(w);
		if (r == 0) {
			r = open_file(w);
		}
		if (r == 0 && w->compress) {
			start_compression(w);
		}
	}
	w->no_rotation_until = r < 0 ? w->second : -1;
}

/* Before a record: another second? time to rotate? */
static int begin_record(struct log_writer *w, int64_t time_ns, struct gantry_error *err)
{
	int64_t second = time_ns / NS_PER_S;

	if (second != w->second) {
		w->second = second;
		time_stamp(second, w->stamp);
		if (flush(w, err) < 0) {
			return err->code;
		}
		look_after_file(w);
	}
	if (w->max_size && w->size + (int64_t)w->used >= w->max_size) {
		if (flush(w, err) < 0) {
			return err->code;
		}
		rotate(w);
	}
	return 0;
}

static int make_room(struct log_writer *w, struct gantry_error *err)
{
	return sizeof(w->buffer) - w->used < ROOM_MIN ? flush(w, err) : 0;
}

static int put(struct log_writer *w, const char *text, size_t len, struct gantry_error *err)
{
	while (len > 0) {
		size_t n = sizeof(w->buffer) - w->used;
		int r;

		n = n < len ? n : len;
		memcpy(w->buffer + w->used, text, n);
		w->used += n;
		text += n;
		len -= n;
		r = make_room(w, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int put_escaped(struct log_writer *w, const unsigned char *data, size_t len,
		       struct gantry_error *err)
{
	const unsigned char *end = data + len;
	int r = 0;

	while (data < end && r == 0) {
		w->used += json_escape(&data, end, w->buffer + w->used, sizeof(w->buffer) - w->used);
		r = make_room(w, err);
	}
	return r;
}

static int put_record(struct log_writer *w, int stream, int64_t time_ns, const void *data,
		      size_t len, int ends_line, struct gantry_error *err)
{
	char tail[64];
	size_t n;

	if (put(w, "{\"log\":\"", 8, err) < 0 || put_escaped(w, data, len, err) < 0 ||
	    (ends_line && put(w, "\\n", 2, err) < 0) ||
	    put(w, "\",\"stream\":\"", 12, err) < 0 ||
	    put(w, stream == 2 ? "stderr\"," : "stdout\",", 8, err) < 0 ||
	    (w->attributes && put(w, w->attributes, strlen(w->attributes), err) < 0)) {
		return err->code;
	}
	memcpy(tail, "\"time\":\"", 8);
	memcpy(tail + 8, w->stamp, 19);
	n = 27 + time_fraction(time_ns % NS_PER_S, tail + 27);
	memcpy(tail + n, "Z\"}\n", 4);
	return put(w, tail, n + 4, err);
}

int log_writer_add(struct log_writer *w, int stream, int64_t time_ns, const void *data, size_t len,
		   int partial, int more, struct gantry_error *err)
{
	int adds_newline = !partial && (len == 0 || ((const char *)data)[len - 1] != '\n');

	if (begin_record(w, time_ns, err) < 0 ||
	    put_record(w, stream, time_ns, data, len, adds_newline, err) < 0) {
		return err->code;
	}
	if (w->used == 0) {
		w->good = w->size;
	}
	w->whole = w->used;
	return more ? 0 : flush(w, err);
}

int log_writer_close(struct log_writer *w, struct gantry_error *err)
{
	int r = w->fd >= 0 ? flush(w, err) : 0;

	if (w->compressor > 0) {
		(void)waitpid(w->compressor, NULL, 0);
	}
	if (w->fd >= 0) {
		close(w->fd);
	}
	if (w->dir >= 0) {
		close(w->dir);
	}
	free(w->attributes);
	free(w);
	return r;
}
