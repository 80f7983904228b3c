/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments that no good caller would send: each field of an operation in turn gets
 * every value that is hostile to its type, while the others stay plausible.  An
 * answer of any kind is fine; a crash, a hang, a broken contract or a file outside
 * the driver's folders is not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/suite.h"
#include "helpers/cleanup.h"
#include "helpers/json.h"

#define LONG_TEXT 65536

/* %1$s is the test's folder, outside of what is the driver's. */
static const char *const strings[] = {
	"", ".", "..", "../escape", "../../escape", "../../../escape", "../victim", "../../victim",
	"a/../../escape", "%1$s/escape", "a/b", "/", "a\nb", "a b", "-rf", "$(touch escape)", "\x01\x1b[31m",
	"\xff\xfe", "%%s%%n%%s%%n", "\xe2\x80\xae", "*", "con", ".hidden", NULL,
};
static const char *const documents[] = {
	"", "{", "[]", "null", "1", "\"text\"", "{\"a\":", "{\"a\":1}", "{\"a\":null}", "{\"\":{}}",
	"{\"a\":\"b\",\"a\":\"c\"}", "{} {}", "\xff", "{\"a\":1e999}", "[[[[[[[[[[]]]]]]]]]]",
	"{\"Options\":[],\"IPAM\":1,\"Driver\":{}}", "{\"size\":\"-1\",\"max-size\":\"0\",\"type\":{},\"o\":7}", NULL,
};
static const int64_t integers[] = { INT64_MIN, -1, 0, 1, 65536, INT64_MAX };
static const uint64_t handles[] = { 0, 1, 2, 0xdeadbeef, UINT64_MAX };

struct probe {
	struct kit *k;
	const struct gantry_op *op;
	unsigned number;
	char *args;   /* the args struct */
	char *text;   /* LONG_TEXT bytes of 'a' and a NUL */
	char *nested; /* deep JSON */
	int null_fd, gone_fd;
};

static int is_path(const char *name)
{
	return !strcmp(name, "directory") || !strcmp(name, "bundle") || !strcmp(name, "state_dir");
}

/* A plausible value. */
static void set_default(struct probe *p, const struct gantry_field *f)
{
	static const char *const list[] = { NULL };
	const char *fixed = p->k->kind->fixed ? p->k->kind->fixed(p->k, p->op->name, f->name) : NULL;
	int optional = (f->flags & GANTRY_FIELD_OPTIONAL) != 0;
	char *at = p->args + f->offset;

	switch (f->type) {
	case GANTRY_TYPE_STRING:
		*(const char **)at = fixed ? fixed : is_path(f->name) ? gantry_fake_host(p->k->fake)->run_dir
						 : optional	      ? NULL
								      : "conformance";
		break;
	case GANTRY_TYPE_JSON:
		*(const char **)at = fixed ? fixed : optional ? NULL : "{}";
		break;
	case GANTRY_TYPE_LIST:
		*(const char *const **)at = list;
		break;
	case GANTRY_TYPE_BYTES:
		*(struct gantry_bytes *)at = (struct gantry_bytes){ "data\n", 5 };
		break;
	case GANTRY_TYPE_FD:
		*(int32_t *)at = !strcmp(f->name, "stop") ? p->gone_fd : optional ? -1 : p->null_fd;
		break;
	case GANTRY_TYPE_HANDLE:
		*(uint64_t *)at = 12345;
		break;
	default:
		*(int64_t *)at = 0;
	}
}

static void send(struct probe *p)
{
	(void)kit_call(p->k, p->number, p->args);
	reply_done(&p->k->reply);
}

static void try_texts(struct probe *p, const struct gantry_field *f, const char *const *texts)
{
	char **at = (char **)(p->args + f->offset);
	static const size_t lengths[] = { 255, 256, 4095, 4096, LONG_TEXT };
	char text[5000];

	for (; *texts && !kit_failed(p->k); texts++) {
		snprintf(text, sizeof(text), *texts, p->k->folder);
		*at = text;
		send(p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lengths) && !kit_failed(p->k); i++) {
		p->text[lengths[i]] = '\0';
		*at = p->text;
		send(p);
		p->text[lengths[i]] = 'a';
		p->text[LONG_TEXT] = '\0';
	}
}

static void try_documents(struct probe *p, const struct gantry_field *f)
{
	const char **at = (const char **)(p->args + f->offset);

	for (const char *const *d = documents; *d && !kit_failed(p->k); d++) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;
		auto_json struct json_object *o = NULL;

		/* What is no JSON would be refused by a script's host, and not by the driver. */
		if (!p->k->subject->is_script || json_parse(*d, strlen(*d), "document", &o, &ignored) == 0) {
			*at = *d;
			send(p);
		}
	}
	if (!p->k->subject->is_script) {
		*at = p->nested;
		send(p);
	}
}

static void try_lists(struct probe *p, const struct gantry_field *f)
{
	const char *const *const lists[] = {
		(const char *const[]){ NULL }, (const char *const[]){ "", NULL },
		(const char *const[]){ "../../escape", "../victim", NULL },
		(const char *const[]){ p->text, p->text, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists) && !kit_failed(p->k); i++) {
		*(const char *const **)(p->args + f->offset) = lists[i];
		send(p);
	}
}

static void try_bytes(struct probe *p, const struct gantry_field *f)
{
	const struct gantry_bytes values[] = { { NULL, 0 }, { "", 0 }, { "\0\xff\n", 3 }, { p->text, LONG_TEXT } };

	for (size_t i = 0; i < ARRAY_SIZE(values) && !kit_failed(p->k); i++) {
		*(struct gantry_bytes *)(p->args + f->offset) = values[i];
		send(p);
	}
}

static void try_field(struct probe *p, const struct gantry_field *f)
{
	char *at = p->args + f->offset;

	switch (f->type) {
	case GANTRY_TYPE_STRING:
		if (!is_path(f->name)) {
			try_texts(p, f, strings);
		}
		break;
	case GANTRY_TYPE_JSON:
		try_documents(p, f);
		break;
	case GANTRY_TYPE_LIST:
		try_lists(p, f);
		break;
	case GANTRY_TYPE_BYTES:
		try_bytes(p, f);
		break;
	case GANTRY_TYPE_INTEGER:
		for (size_t i = 0; i < ARRAY_SIZE(integers) && !kit_failed(p->k); i++) {
			*(int64_t *)at = integers[i];
			send(p);
		}
		break;
	case GANTRY_TYPE_HANDLE:
		for (size_t i = 0; i < ARRAY_SIZE(handles) && !kit_failed(p->k); i++) {
			*(uint64_t *)at = handles[i];
			send(p);
		}
		break;
	case GANTRY_TYPE_BOOLEAN:
		/* What follows for ever has no end here. */
		if (strcmp(f->name, "follow") != 0) {
			*(int64_t *)at = 1;
			send(p);
		}
		break;
	default:
		*(int32_t *)at = p->gone_fd;
		send(p);
	}
	set_default(p, f);
}

/* "victim" lies where "../victim" and "../../victim" lead; nothing may be called "escape". */
static void plant(struct kit *k)
{
	char path[5000];

	for (int up = 0; up < 2; up++) {
		snprintf(path, sizeof(path), "%s%s/victim", k->folder, up ? "" : "/host");
		mkdir(path, 0700);
		strcat(path, "/keep");
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
}

static void look_around(struct kit *k)
{
	static const char *const places[] = { "", "/host", "/host/state/..", "/.." };
	char path[5000];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s%s/escape", k->folder, places[i]);
		if (access(path, F_OK) == 0) {
			kit_breach(k, "a name led out of the driver's folders: %s was made", path);
			return;
		}
	}
	for (int up = 0; up < 2; up++) {
		snprintf(path, sizeof(path), "%s%s/victim/keep", k->folder, up ? "" : "/host");
		if (access(path, F_OK) < 0) {
			kit_breach(k, "a name led out of the driver's folders: %s was removed", path);
			return;
		}
	}
}

void test_hostile(struct kit *k, unsigned number)
{
	const struct gantry_op *op = &k->subject->iface->ops[number];
	struct probe p = { .k = k, .op = op, .number = number, .null_fd = open("/dev/null", O_RDWR | O_CLOEXEC) };
	auto_free char *args = calloc(1, op->args_size), *text = malloc(LONG_TEXT + 1);
	auto_free char *nested = malloc(2 * LONG_TEXT);
	int ends[2];

	KIT_NEEDS(k, number);
	if (!args || !text || !nested || pipe2(ends, O_CLOEXEC) < 0) {
		abort();
	}
	close(ends[1]);
	p.gone_fd = ends[0];
	memset(text, 'a', LONG_TEXT);
	text[LONG_TEXT] = '\0';
	memset(nested, '[', 2 * LONG_TEXT - 1);
	nested[2 * LONG_TEXT - 1] = '\0';
	p.args = args;
	p.text = text;
	p.nested = nested;
	plant(k);
	*(uint64_t *)args = op->args_size;
	for (uint32_t i = 0; i < op->n_args; i++) {
		set_default(&p, &op->args[i]);
	}
	send(&p);
	for (uint32_t i = 0; i < op->n_args && !kit_failed(k); i++) {
		try_field(&p, &op->args[i]);
	}
	look_around(k);
	/* It serves on. */
	if (!kit_failed(k) && k->kind->life) {
		k->kind->life(k, "afterwards");
	}
}
