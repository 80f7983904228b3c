/* SPDX-License-Identifier: Apache-2.0 */
/* Where messages go: stderr, and --log: [file:]PATH, syslog:NAME or journald:NAME. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "oci.h"

#define JOURNAL "/run/systemd/journal/socket"

static void write_journal(const char *name, int priority, const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	auto_(buf) struct buf entry = BUF_INIT;
	auto_free char *line = strdup(text);
	auto_fd int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!line || sock < 0)
		return;
	/* a field ends with its line */
	for (char *p = line; *p; p++)
		*p = *p == '\n' ? ' ' : *p;
	buf_addf(&entry, "PRIORITY=%d\nSYSLOG_IDENTIFIER=gantry-oci\nID=%s\nMESSAGE=%s\n", priority, name,
		 line);
	(void)sendto(sock, buf_str(&entry), entry.len, MSG_NOSIGNAL, (struct sockaddr *)&address,
		     sizeof(address));
}

static void write_file(const struct oci *o, const char *path, const char *level, const char *text)
{
	auto_file FILE *f = fopen(path, "ae");
	struct timespec ts;
	struct tm tm;
	char when[64];

	if (!f)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (o->log_json) {
		struct json_object *j = json_object_new_object();

		json_object_object_add(j, "level", json_object_new_string(level));
		json_object_object_add(j, "msg", json_object_new_string(text));
		json_object_object_add(j, "time", json_object_new_string(when));
		fprintf(f, "%s\n", json_object_to_json_string_ext(j, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(j);
	} else {
		fprintf(f, "time=\"%s\" level=%s msg=\"%s\"\n", when, level, text);
	}
}

static void write_log(const struct oci *o, const char *level, const char *text)
{
	int priority = strcmp(level, "error") ? LOG_WARNING : LOG_ERR;

	if (!o->log)
		return;
	if (!strncmp(o->log, "syslog:", 7)) {
		openlog(o->log + 7, 0, LOG_DAEMON);
		syslog(priority, "%s", text);
	} else if (!strncmp(o->log, "journald:", 9)) {
		write_journal(o->log + 9, priority, text);
	} else {
		write_file(o, strncmp(o->log, "file:", 5) ? o->log : o->log + 5, level, text);
	}
}

int oci_check_log(const struct oci *o)
{
	const char *path = o->log && !strncmp(o->log, "file:", 5) ? o->log + 5 : o->log;
	auto_fd int fd = -1;

	if (!path || !strncmp(path, "syslog:", 7) || !strncmp(path, "journald:", 9))
		return 0;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0)
		return 0;
	fprintf(stderr, "gantry-oci: --log: cannot open %s: %s\n", path, strerror(errno));
	return 1;
}

int oci_fail(const struct oci *o, const struct gantry_error *err)
{
	fprintf(stderr, "gantry-oci: %s\n", err->message);
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
	write_log(o, "error", err->message);
	return 1;
}

void oci_warn(const struct oci *o, const char *text)
{
	if (o->debug)
		fprintf(stderr, "gantry-oci: warning: %s\n", text);
	if (!o->errors_only)
		write_log(o, "warning", text);
}

void oci_warn_user(const struct oci *o, const char *text)
{
	if (!o->debug && !o->errors_only)
		fprintf(stderr, "gantry-oci: warning: %s\n", text);
	oci_warn(o, text);
}

int oci_usage(const char *command, const char *problem)
{
	if (problem)
		fprintf(stderr, "gantry-oci: %s\n", problem);
	for (const struct oci_command *c = oci_commands; c->name && command; c++) {
		if (!strcmp(c->name, command))
			fprintf(stderr, "usage: gantry-oci %s %s\n", c->name, c->arguments);
	}
	return 1;
}
