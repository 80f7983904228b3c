/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that counts is atomic; nothing here waits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/plugin/page.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAGIC 0x67706c67u
#define VERSION 1

int page_map(const char *run_dir, struct plugin_page **ret, struct gantry_error *err)
{
	auto_fd int dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int fd =
		dir < 0 ? -1
			: openat(dir, PAGE_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct plugin_page *p;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 ||
	    (st.st_size < (off_t)sizeof(*p) && ftruncate(fd, sizeof(*p)) < 0)) {
		return error_errno(err, errno, "cannot open %s/%s", run_dir, PAGE_FILE);
	}
	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		return error_errno(err, errno, "cannot map %s/%s", run_dir, PAGE_FILE);
	}
	if (p->magic != MAGIC || p->version != VERSION) {
		/* New, or of another release: zeros are a valid beginning. */
		if (p->magic) {
			memset(p, 0, sizeof(*p));
		}
		p->version = VERSION;
		p->magic = MAGIC;
	}
	*ret = p;
	return 0;
}

struct plugin_page *page_unmap(struct plugin_page *p)
{
	if (p) {
		munmap(p, sizeof(*p));
	}
	return NULL;
}

/* The upper end of a bucket. */
static uint64_t bucket_end(unsigned i)
{
	unsigned power = i / 4 + 1;

	return i < 4 ? i + 1
		     : (UINT64_C(1) << power) +
			       ((uint64_t)(i % 4) + 1) * (UINT64_C(1) << (power - 2));
}

uint64_t page_percentile(const struct plugin_page *p, unsigned per_mille)
{
	uint64_t total = 0, seen = 0;

	for (unsigned i = 0; i < PAGE_BUCKETS; i++) {
		total += atomic_load_explicit(&p->latency[i], memory_order_relaxed);
	}
	for (unsigned i = 0; i < PAGE_BUCKETS; i++) {
		seen += atomic_load_explicit(&p->latency[i], memory_order_relaxed);
		if (total && seen * 1000 >= total * per_mille) {
			return bucket_end(i);
		}
	}
	return 0;
}

void page_add_process(struct plugin_page *p, int pid)
{
	for (unsigned i = 0; i < PAGE_PROCESSES; i++) {
		int none = 0;

		if (atomic_compare_exchange_strong(&p->processes[i], &none, pid)) {
			return;
		}
	}
}

void page_remove_process(struct plugin_page *p, int pid)
{
	for (unsigned i = 0; i < PAGE_PROCESSES; i++) {
		int one = pid;

		if (atomic_compare_exchange_strong(&p->processes[i], &one, 0)) {
			return;
		}
	}
}

void page_note_failure(struct plugin_page *p, const char *text)
{
	atomic_store(&p->failed_at_ns, time_now_ns());
	snprintf(p->failure, sizeof(p->failure), "%s", text);
}
