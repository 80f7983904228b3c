/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/shim/batch.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define SIZE (256 * 1024)
#define START sizeof(uint64_t) /* of the records; before it lies the mark */
#define HEADER 20
#define PAUSE_NS 20000000

int batch_init(struct batch *b, struct gantry_error *err)
{
	b->fd = memfd_create("gantry-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (b->fd < 0 || ftruncate(b->fd, SIZE) < 0 ||
	    fcntl(b->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		return error_errno(err, errno, "cannot create a memory file");
	}
	b->memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (b->memory == MAP_FAILED) {
		b->memory = NULL;
		return error_errno(err, errno, "cannot map a memory file");
	}
	return 0;
}

void batch_done(struct batch *b)
{
	if (b->memory) {
		munmap(b->memory, SIZE);
	}
	replace_fd(&b->fd, -1);
	b->memory = NULL;
}

static char *put32(char *p, uint32_t value)
{
	value = htole32(value);
	return (char *)memcpy(p, &value, sizeof(value)) + sizeof(value);
}

static char *put64(char *p, uint64_t value)
{
	value = htole64(value);
	return (char *)memcpy(p, &value, sizeof(value)) + sizeof(value);
}

static uint32_t get32(const char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return le64toh(value);
}

int batch_add(struct batch *b, int stream, int64_t time_ns, int partial, const char *data,
	      size_t len)
{
	char *p = b->memory + START + b->used;

	if (START + b->used + HEADER + len > SIZE) {
		return 0;
	}
	p = put32(p, (uint32_t)stream);
	p = put64(p, (uint64_t)time_ns);
	p = put32(p, partial != 0);
	p = put32(p, (uint32_t)len);
	memcpy(p, data, len);
	b->used += HEADER + len;
	b->records++;
	return 1;
}

/* How many records lie before a mark, which must be between two of them. */
static int count_before(const struct batch *b, uint64_t mark, size_t *ret)
{
	size_t at = 0, n = 0;

	while (at < mark && at < b->used) {
		at += HEADER + get32(b->memory + START + at + HEADER - 4);
		n++;
	}
	*ret = n;
	return at == mark ? 0 : -1;
}

int batch_send(struct batch *b, struct driver *driver, uint64_t log, int64_t patience_ns,
	       size_t *ret_lost, struct gantry_error *err)
{
	int64_t until = time_monotonic_ns() + patience_ns;
	size_t done = 0, written = 0;
	int r = 0;

	while (done < b->used) {
		auto_(reply) struct reply ret = REPLY_INIT;
		uint64_t mark;

		put64(b->memory, 0);
		error_clear(err);
		r = log_append(driver,
			       &GANTRY_LOG_APPEND_ARGS(.log = log, .records = b->fd,
						       .offset = (int64_t)(START + done),
						       .length = (int64_t)(b->used - done)),
			       &ret, err);
		if (r == 0) {
			written = b->records;
			break;
		}
		mark = done + get64(b->memory);
		if (count_before(b, mark, &written) == 0) {
			done = mark;
		}
		if ((r != GANTRY_ERR_UNAVAILABLE && r != GANTRY_ERR_TIMEOUT) ||
		    time_monotonic_ns() > until) {
			break;
		}
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	}
	*ret_lost = b->records - written;
	b->used = b->records = 0;
	return *ret_lost ? r : 0;
}
