/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/plugin/driver.h"
#include "core/plugin/page.h"
#include "core/plugin/trace.h"
#include "core/plugin/wire.h"
#include "helpers/cleanup.h"

#define VALUE_MAX 4096

/* A value, or how long it is when it is too long to be shown. */
static void add_shortened(struct buf *out, const char *name, const struct buf *value, int failed)
{
	if (failed) {
		buf_addf(out, ",\"%s\":\"(not shown)\"", name);
	} else if (value->len > VALUE_MAX) {
		buf_addf(out, ",\"%s\":\"(%zu bytes)\"", name, value->len);
	} else {
		buf_addf(out, ",\"%s\":%s", name, buf_str(value));
	}
}

/* -1: nobody listens any more. */
static int send_line(const char *run_dir, const struct buf *line)
{
	auto_fd int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (sock < 0 || snprintf(to.sun_path, sizeof(to.sun_path), "%s/%s", run_dir,
				 TRACE_SOCKET) >= (int)sizeof(to.sun_path)) {
		return -1;
	}
	if (sendto(sock, line->data, line->len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
		   sizeof(to)) < 0) {
		return errno == ECONNREFUSED || errno == ENOENT ? -1 : 0;
	}
	return 0;
}

void trace_call(struct driver *d, const struct gantry_op *op, const void *args,
		const struct reply *ret, int result, const struct gantry_error *err,
		int64_t started_ns, int64_t took_ns)
{
	auto_(buf) struct buf line = BUF_INIT;
	auto_(buf) struct buf value = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int failed = wire_put_args(&value, &fds, op, args, &ignored) < 0;

	buf_addf(&line,
		 "{\"time_ns\":%lld,\"pid\":%d,\"driver\":\"%s/%s\",\"op\":\"%s\",\"took_ns\":%lld",
		 (long long)started_ns, (int)getpid(), d->iface->kind, d->name, op->name,
		 (long long)took_ns);
	add_shortened(&line, "args", &value, failed);
	wire_fds_sent(&fds);
	if (result < 0) {
		buf_adds(&line, ",\"error\":{");
		wire_put_error(&line, err);
		buf_addc(&line, '}');
	} else {
		buf_clear(&value);
		failed = wire_put_results(&value, &fds, op, ret, &ignored) < 0;
		add_shortened(&line, "results", &value, failed);
		wire_fds_sent(&fds);
	}
	buf_addc(&line, '}');
	if (!buf_failed(&line) && send_line(d->run_dir, &line) < 0) {
		atomic_store(&d->page->traced, 0);
	}
}
