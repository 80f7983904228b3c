/* SPDX-License-Identifier: Apache-2.0 */
/* What every monitor driver does. */
#include <stdio.h>
#include <string.h>

#include <conformance/monitor.h>

static int report(struct kit *k)
{
	return call_report(k, &GANTRY_MONITOR_REPORT_ARGS());
}

static int event(struct kit *k, const char *id)
{
	return call_event(k, &GANTRY_MONITOR_EVENT_ARGS(.time_ns = 1000000000, .type = "container",
							.action = "start", .id = id,
							.attributes = "{\"name\":\"web\",\"image\":\"busybox\"}"));
}

static void check_report(struct kit *k)
{
	const char *type = reply_string(&k->reply, GANTRY_MONITOR_REPORT_RET_MEDIA_TYPE);

	KIT_TRUE(k, type && strchr(type, '/') && !strpbrk(type, "\r\n\""), "\"%s\" is no media type", type);
}

static void life(struct kit *k, const char *id)
{
	if (kit_has(k, GANTRY_MONITOR_OP_EVENT)) {
		KIT_OK(k, event(k, id));
	}
	KIT_OK(k, report(k));
	check_report(k);
}

void conform_monitor_event(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_MONITOR_OP_EVENT);
	KIT_OK(k, event(k, "0123456789ab"));
	KIT_OK(k, call_event(k, &GANTRY_MONITOR_EVENT_ARGS(.type = "daemon", .action = "reload", .id = "")));
	/* Events have no bound in number or kind; a driver may drop, not break. */
	for (int i = 0; i < 2000; i++) {
		char action[32];

		snprintf(action, sizeof(action), "action%d", i);
		(void)call_event(k, &GANTRY_MONITOR_EVENT_ARGS(.type = "volume", .action = action, .id = "x"));
	}
	KIT_OK(k, report(k));
}

void conform_monitor_report(struct kit *k)
{
	KIT_OK(k, report(k));
	check_report(k);
	KIT_OK(k, report(k));
}

const struct kit_kind kit_monitor = {
	.kind = "monitor",
	.operations = conform_monitor_operations,
	.life = life,
	.recover = life,
	.may_keep = 65536,
};
