/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending under flock(2): the line first, then the head, which is a small file
 * that every appender maps.  After a crash in between, the log is longer than
 * the head says; the next appender takes whole lines over and cuts half a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#include "lua/policy/audit-line.h"
#include "lua/policy/audit.h"

struct audit {
	char *path;
	int fd;
	int head_fd;
	struct audit_head *head; /* shared mapping */
	pthread_mutex_t lock;    /* flock does not keep our own threads apart */
};

static int open_file(const char *path, const char *suffix, struct gantry_error *err)
{
	char name[4096];
	int fd;

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >= (int)sizeof(name)) {
		return error_set(err, GANTRY_ERR_INVALID, "the audit log's path is too long");
	}
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (*suffix ? 0 : O_APPEND), 0600);
	if (fd < 0) {
		return error_errno(err, errno, "cannot open the audit log %s", name);
	}
	return fd;
}

static int map_head(struct audit *audit, struct gantry_error *err)
{
	struct stat st;
	void *p;

	if (fstat(audit->head_fd, &st) < 0 ||
	    (st.st_size < (off_t)sizeof(struct audit_head) &&
	     ftruncate(audit->head_fd, sizeof(struct audit_head)) < 0)) {
		return error_errno(err, errno, "cannot prepare %s.head", audit->path);
	}
	p = mmap(NULL, sizeof(struct audit_head), PROT_READ | PROT_WRITE, MAP_SHARED,
		 audit->head_fd, 0);
	if (p == MAP_FAILED) {
		return error_errno(err, errno, "cannot map %s.head", audit->path);
	}
	audit->head = p;
	return 0;
}

int audit_open(const char *path, struct audit **ret, struct gantry_error *err)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	int r = 0;

	if (!audit) {
		return error_no_memory(err);
	}
	audit->fd = audit->head_fd = -1;
	pthread_mutex_init(&audit->lock, NULL);
	audit->path = strdup(path);
	if (!audit->path) {
		r = error_no_memory(err);
	}
	if (r == 0) {
		r = audit->fd = open_file(path, "", err);
	}
	if (r >= 0) {
		r = audit->head_fd = open_file(path, ".head", err);
	}
	if (r >= 0) {
		r = map_head(audit, err);
	}
	if (r < 0) {
		audit_close(audit);
		return r;
	}
	*ret = audit;
	return 0;
}

void audit_close(struct audit *audit)
{
	if (!audit) {
		return;
	}
	if (audit->head) {
		munmap(audit->head, sizeof(*audit->head));
	}
	if (audit->fd >= 0) {
		close(audit->fd);
	}
	if (audit->head_fd >= 0) {
		close(audit->head_fd);
	}
	pthread_mutex_destroy(&audit->lock);
	free(audit->path);
	free(audit);
}

/* Takes over the whole lines that the head does not know and cuts the rest. */
static int catch_up(struct audit *audit, off_t size, struct gantry_error *err)
{
	auto_(buf) struct buf tail = BUF_INIT;
	off_t at = audit->head->size;
	char *p, *end;

	if (size < at) {
		error_set(err, GANTRY_ERR_CORRUPT, "the audit log %s lost its end", audit->path);
		return error_hint(err, "somebody cut it: gantry audit verify shows where; move it "
				  "and its .head away to start a new one");
	}
	if (size - at > (off_t)256 << 20 || !buf_reserve(&tail, (size_t)(size - at)) ||
	    pread(audit->fd, tail.data, (size_t)(size - at), at) != size - at) {
		return error_set(err, GANTRY_ERR_IO, "cannot read the end of the audit log %s",
				 audit->path);
	}
	for (p = tail.data; (end = memchr(p, '\n', (size_t)(tail.data + (size - at) - p)));
	     p = end + 1) {
		struct audit_line line;

		if (audit_line_parse(p, (size_t)(end - p), &line) < 0 ||
		    line.seq != audit->head->seq + 1) {
			return error_set(err, GANTRY_ERR_CORRUPT,
					 "the audit log %s has a foreign line at its end",
					 audit->path);
		}
		audit->head->seq = line.seq;
		memcpy(audit->head->hash, line.hash, AUDIT_HASH);
		audit->head->size += end + 1 - p;
	}
	if (audit->head->size < size && ftruncate(audit->fd, audit->head->size) < 0) {
		return error_errno(err, errno, "cannot cut half a line off %s", audit->path);
	}
	return 0;
}

static void add_time(struct buf *line)
{
	struct timespec now;
	struct tm tm;
	char text[40];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_addf(line, "\"time\":\"%s.%06ldZ\",", text, now.tv_nsec / 1000);
}

static int append_locked(struct audit *audit, const char *members, size_t len,
			 struct gantry_error *err)
{
	struct audit_head *head = audit->head;
	auto_(buf) struct buf line = BUF_INIT;
	char hash[AUDIT_HASH];
	struct stat st;
	int r;

	if (fstat(audit->fd, &st) < 0) {
		return error_errno(err, errno, "cannot look at the audit log %s", audit->path);
	}
	if (st.st_size != head->size) {
		r = catch_up(audit, st.st_size, err);
		if (r < 0) {
			return r;
		}
	}
	buf_addf(&line, "{\"seq\":%lld,\"prev\":\"%.64s\",", (long long)head->seq + 1,
		 head->seq ? head->hash : AUDIT_FIRST);
	add_time(&line);
	buf_add(&line, members, len);
	audit_line_hash(buf_str(&line), line.len, hash);
	buf_addf(&line, AUDIT_HASH_MEMBER "%s\"}\n", hash);
	if (buf_failed(&line)) {
		return error_no_memory(err);
	}
	r = write_all(audit->fd, line.data, line.len);
	if (r < 0) {
		return error_errno(err, -r, "cannot write to the audit log %s", audit->path);
	}
	memcpy(head->hash, hash, AUDIT_HASH);
	head->seq++;
	head->size += (int64_t)line.len;
	return 0;
}

int audit_append(struct audit *audit, const char *members, size_t len, struct gantry_error *err)
{
	int r;

	pthread_mutex_lock(&audit->lock);
	if (flock(audit->fd, LOCK_EX) < 0) {
		r = error_errno(err, errno, "cannot lock the audit log %s", audit->path);
	} else {
		r = append_locked(audit, members, len, err);
		flock(audit->fd, LOCK_UN);
	}
	pthread_mutex_unlock(&audit->lock);
	return r;
}
