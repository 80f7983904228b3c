/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor driver "prometheus": events are counted where every process can
 * count them, and a report adds what the engine has at that moment.  Without the
 * service "engine" it reports its counts alone.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <gantry/engine.h>
#include <gantry/monitor.h>
#include <gantry/plugin.h>

#include "counters.h"
#include "objects.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct monitor {
	struct counters *counters;
	const struct gantry_engine_service *engine; /* or NULL */
};

static int prometheus_open(const struct gantry_host *host, const char *config, void **ret_self,
			   struct gantry_error *err)
{
	struct monitor *m = calloc(1, sizeof(*m));
	int r = m ? counters_open(host->state_dir, &m->counters, err) : error_no_memory(err);

	if (r < 0) {
		free(m);
		return r;
	}
	m->engine = gantry_service(host, "engine");
	*ret_self = m;
	return 0;
}

static void prometheus_close(void *self)
{
	struct monitor *m = self;

	counters_close(m->counters);
	free(m);
}

static int prometheus_event(void *self, const struct gantry_monitor_event_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	struct monitor *m = self;
	auto_(buf) struct buf label = BUF_INIT;
	/* "exec_start: sh -c ..." carries a command line behind its name. */
	auto_free char *action = strndup(args->action, strcspn(args->action, ":"));

	if (!action) {
		return error_no_memory(err);
	}
	buf_adds(&label, "type=\"");
	label_escape(&label, args->type);
	buf_adds(&label, "\",action=\"");
	label_escape(&label, action);
	buf_adds(&label, "\"");
	return buf_failed(&label) ? error_no_memory(err) : counters_add(m->counters, buf_str(&label), err);
}

static int prometheus_report(void *self, const struct gantry_monitor_report_args *args,
			     struct gantry_reply *reply, struct gantry_error *err)
{
	struct monitor *m = self;
	auto_(buf) struct buf out = BUF_INIT;
	int r = m->engine ? objects_print(m->engine, &out, err) : 0;

	/* A host may offer the service and have no engine behind it. */
	if (r == GANTRY_ERR_UNSUPPORTED) {
		error_clear(err);
		buf_clear(&out);
	} else if (r < 0) {
		return r;
	}
	buf_adds(&out, "# HELP gantry_events_total Events since the counters were made.\n"
		       "# TYPE gantry_events_total counter\n");
	counters_print(m->counters, "gantry_events_total", &out);
	if (buf_failed(&out) ||
	    gantry_monitor_report_set_media_type(reply, "text/plain; version=0.0.4; charset=utf-8") < 0 ||
	    gantry_monitor_report_set_text(reply, buf_str(&out)) < 0) {
		return error_no_memory(err);
	}
	return 0;
}

static const struct gantry_monitor_ops prometheus_ops = {
	.struct_size = sizeof(prometheus_ops),
	.event = prometheus_event,
	.report = prometheus_report,
};

static const struct gantry_driver prometheus_driver = {
	.size = sizeof(prometheus_driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "monitor",
	.name = "prometheus",
	.summary = "Counts of events and objects in Prometheus' text format",
	.ops = &prometheus_ops,
	.open = prometheus_open,
	.close = prometheus_close,
};

static const struct gantry_driver *const drivers[] = { &prometheus_driver, NULL };
static const char *const permissions[] = { "engine", NULL };

GANTRY_PLUGIN(.name = "monitor-prometheus", .version = PACKAGE_VERSION, .licence = "Apache-2.0",
	      .flags = GANTRY_PLUGIN_UNLOADABLE, .drivers = drivers, .permissions = permissions);
