/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all processes that use a driver share, mapped from a file in its run folder:
 * statistics, whether somebody traces, and a number that counts reloads.  So a
 * command that lives for a moment sees what shims and daemons did, and reaches them.
 */
#ifndef CORE_PLUGIN_PAGE_H
#define CORE_PLUGIN_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

#include <gantry/error.h>

#define PAGE_FILE "stats"
#define PAGE_BUCKETS 256
#define PAGE_PROCESSES 256
#define TRACE_SOCKET "trace.sock"

struct plugin_page {
	uint32_t magic;
	uint32_t version;
	atomic_ullong reloads; /* a driver opened before this changed is out of date */
	atomic_uint traced;    /* somebody listens at TRACE_SOCKET */
	atomic_ullong calls;
	atomic_ullong errors;  /* calls that failed */
	atomic_ullong crashes; /* processes that ended unasked */
	atomic_ullong starts;  /* processes started */
	atomic_ullong timeouts;
	atomic_ullong total_ns;
	atomic_ullong latency[PAGE_BUCKETS]; /* four buckets per power of two of nanoseconds */
	atomic_int processes[PAGE_PROCESSES]; /* supervisors that may be alive; 0: free */
	atomic_llong failed_at_ns;            /* the last failure of a process, since the epoch */
	char failure[200];                    /* best effort: two at once may mix */
};

/* Maps the page of a driver, which is made when it is not there. */
int page_map(const char *run_dir, struct plugin_page **ret, struct gantry_error *err);
struct plugin_page *page_unmap(struct plugin_page *p);

static inline unsigned page_bucket(uint64_t ns)
{
	unsigned power = ns < 4 ? 2 : 63u - (unsigned)__builtin_clzll(ns);

	return ns < 4 ? (unsigned)ns : (power - 1) * 4 + (unsigned)(ns >> (power - 2) & 3);
}

/* The latency below which so many of a thousand calls stayed; 0 without calls. */
uint64_t page_percentile(const struct plugin_page *p, unsigned per_mille);

void page_add_process(struct plugin_page *p, int pid);
void page_remove_process(struct plugin_page *p, int pid);
void page_note_failure(struct plugin_page *p, const char *text);

#endif
