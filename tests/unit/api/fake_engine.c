/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/api/fake_engine.h"

#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"

#define MAX_ANSWERS 128

struct answer {
	const char *op;
	const char *result;
	const char *text;
};

struct fake_engine {
	struct gantry_host host;
	struct gantry_engine_service service;
	struct gantry_engine_ops ops;
	pthread_mutex_t lock;
	struct buf calls;
	struct answer answers[MAX_ANSWERS];
	unsigned n_answers;
	struct gantry_error failure;
	const char *failing;
};

/* What the answers are until a test says otherwise: enough for real clients. */
static const struct answer defaults[] = {
	{ "version", "version",
	  "{\"Version\":\"0.1.0\",\"ApiVersion\":\"1.47\",\"MinAPIVersion\":\"1.24\",\"Os\":\"linux\","
	  "\"Arch\":\"amd64\",\"GitCommit\":\"x\",\"GoVersion\":\"none\",\"KernelVersion\":\"6\"}" },
	{ "info", "info",
	  "{\"ID\":\"fake\",\"Containers\":1,\"Images\":1,\"Driver\":\"overlay\",\"Name\":\"fake\","
	  "\"ServerVersion\":\"0.1.0\",\"OSType\":\"linux\",\"Architecture\":\"x86_64\",\"NCPU\":2,"
	  "\"MemTotal\":1024,\"CgroupDriver\":\"cgroupfs\",\"CgroupVersion\":\"1\","
	  "\"Swarm\":{\"LocalNodeState\":\"inactive\"},\"Plugins\":{\"Volume\":[\"local\"],"
	  "\"Network\":[\"bridge\"],\"Log\":[\"json-file\"]}}" },
	{ "disk_usage", "usage",
	  "{\"LayersSize\":0,\"Images\":[],\"Containers\":[],\"Volumes\":[],\"BuildCache\":[]}" },
	{ "doctor", "report", "{\"checks\":[]}" },
	{ "auth", "status", "{\"Status\":\"Login Succeeded\",\"IdentityToken\":\"\"}" },
	{ "events", "stream",
	  "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"c1\",\"Attributes\":{}},"
	  "\"time\":1,\"timeNano\":1000000000}\n" },
	{ "container_create", "id", "c1" },
	{ "container_list", "containers",
	  "[{\"Id\":\"c1c1c1c1c1c1c1c1\",\"Names\":[\"/web\"],\"Image\":\"img\",\"ImageID\":\"sha256:1\","
	  "\"Command\":\"true\",\"Created\":1700000000,\"State\":\"running\",\"Status\":\"Up\","
	  "\"Ports\":[],\"Labels\":{}}]" },
	{ "container_inspect", "container",
	  "{\"Id\":\"c1c1c1c1c1c1c1c1\",\"Name\":\"/web\",\"State\":{\"Running\":true,"
	  "\"Status\":\"running\"},\"Config\":{\"Tty\":false},\"HostConfig\":{},"
	  "\"NetworkSettings\":{}}" },
	{ "container_wait", "stream", "{\"StatusCode\":7}\n" },
	{ "container_logs", "stream", "\1\0\0\0\0\0\0\6hello\n" },
	{ "container_stats", "stream",
	  "{\"read\":\"2026-01-01T00:00:00Z\",\"name\":\"/web\",\"id\":\"c1\",\"cpu_stats\":{},"
	  "\"memory_stats\":{\"usage\":1048576,\"limit\":2097152}}\n" },
	{ "container_top", "processes", "{\"Titles\":[\"PID\"],\"Processes\":[[\"1\"]]}" },
	{ "container_changes", "changes", "[{\"Path\":\"/a\",\"Kind\":1}]" },
	{ "container_archive_stat", "stat",
	  "{\"name\":\"tmp\",\"size\":0,\"mode\":2147484141,\"mtime\":\"2026-01-01T00:00:00Z\","
	  "\"linkTarget\":\"\"}" },
	{ "container_archive_get", "stat",
	  "{\"name\":\"f\",\"size\":0,\"mode\":420,\"mtime\":\"2026-01-01T00:00:00Z\","
	  "\"linkTarget\":\"\"}" },
	{ "container_commit", "id", "sha256:2" },
	{ "container_prune", "report", "{\"ContainersDeleted\":[\"c1\"],\"SpaceReclaimed\":1}" },
	{ "exec_create", "id", "e1" },
	{ "exec_inspect", "exec", "{\"ID\":\"e1\",\"Running\":false,\"ExitCode\":3}" },
	{ "image_pull", "stream", "{\"status\":\"Pulling\"}\n{\"status\":\"Done\"}\n" },
	{ "image_push", "stream", "{\"status\":\"Pushed\"}\n" },
	{ "image_load", "stream", "{\"stream\":\"Loaded image: x\\n\"}\n" },
	{ "image_import", "stream", "{\"status\":\"sha256:3\"}\n" },
	{ "image_save", "stream", "tar" },
	{ "container_export", "stream", "tar" },
	{ "image_list", "images",
	  "[{\"Id\":\"sha256:1111111111111111\",\"RepoTags\":[\"img:latest\"],\"Created\":1700000000,"
	  "\"Size\":42,\"SharedSize\":-1,\"Containers\":-1,\"Labels\":{}}]" },
	{ "image_inspect", "image", "{\"Id\":\"sha256:1111111111111111\",\"Size\":42,\"Config\":{}}" },
	{ "image_history", "history", "[{\"Id\":\"sha256:1\",\"Created\":1,\"CreatedBy\":\"x\"}]" },
	{ "image_remove", "report", "[{\"Untagged\":\"img:latest\"}]" },
	{ "image_prune", "report", "{\"ImagesDeleted\":[],\"SpaceReclaimed\":0}" },
	{ "network_create", "id", "n1" },
	{ "network_list", "networks",
	  "[{\"Name\":\"bridge\",\"Id\":\"n1n1n1n1n1n1n1\",\"Driver\":\"bridge\",\"Scope\":\"local\"}]" },
	{ "network_inspect", "network", "{\"Name\":\"bridge\",\"Id\":\"n1n1\",\"Scope\":\"local\"}" },
	{ "network_prune", "report", "{\"NetworksDeleted\":[\"n\"]}" },
	{ "volume_create", "volume", "{\"Name\":\"v1\",\"Driver\":\"local\",\"Mountpoint\":\"/m\"}" },
	{ "volume_list", "volumes",
	  "{\"Volumes\":[{\"Name\":\"v1\",\"Driver\":\"local\"}],\"Warnings\":[]}" },
	{ "volume_inspect", "volume", "{\"Name\":\"v1\",\"Driver\":\"local\"}" },
	{ "volume_prune", "report", "{\"VolumesDeleted\":[\"v1\"],\"SpaceReclaimed\":0}" },
	{ "plugin_list", "plugins",
	  "[{\"Name\":\"storage-overlay\",\"Version\":\"0.1.0\",\"Summary\":\"kernel overlayfs\","
	  "\"Drivers\":[{\"Kind\":\"storage\",\"Name\":\"overlay\"}]}]" },
	{ "plugin_inspect", "plugin", "{\"Name\":\"storage-overlay\",\"Drivers\":[]}" },
};

static const char *answer_text(struct fake_engine *f, const char *op, const char *result)
{
	for (unsigned i = f->n_answers; i-- > 0;) {
		if (!strcmp(f->answers[i].op, op) && !strcmp(f->answers[i].result, result)) {
			return f->answers[i].text;
		}
	}
	for (unsigned i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		if (!strcmp(defaults[i].op, op) && !strcmp(defaults[i].result, result)) {
			return defaults[i].text;
		}
	}
	return NULL;
}

/* The bytes of a source as "N bytes". */
static void write_source(struct buf *out, int fd)
{
	static char data[65536];
	uint64_t total = 0;
	ssize_t n;

	while ((n = read_full(fd, data, sizeof(data))) > 0) {
		total += (uint64_t)n;
	}
	buf_addf(out, "%" PRIu64 " bytes", total);
}

static void write_argument(struct buf *out, const struct gantry_field *field, const char *at)
{
	switch (field->type) {
	case GANTRY_TYPE_STRING:
	case GANTRY_TYPE_JSON:
		if (*(const char *const *)at) {
			buf_addf(out, " %s=%s", field->name, *(const char *const *)at);
		}
		break;
	case GANTRY_TYPE_LIST:
		for (const char *const *p = *(const char *const *const *)at; p && *p; p++) {
			buf_addf(out, " %s=%s", field->name, *p);
		}
		break;
	case GANTRY_TYPE_FD:
		if (*(const int32_t *)at >= 0) {
			buf_addf(out, " %s=", field->name);
			write_source(out, *(const int32_t *)at);
		}
		break;
	default:
		if (*(const int64_t *)at) {
			buf_addf(out, " %s=%" PRId64, field->name, *(const int64_t *)at);
		}
	}
}

/* A descriptor with text to read. */
static int text_stream(const char *text)
{
	int ends[2];
	/* A frame's head has NUL bytes; the tests' frames hold six bytes each. */
	size_t len = text && text[0] == '\1' ? 14 : text ? strlen(text) : 0;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		abort();
	}
	write_all(ends[1], text, len);
	close(ends[1]);
	return ends[0];
}

static void *echo(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char data[4096];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0) {
		unsigned char head[8] = { 1, 0, 0, 0, 0, 0, (unsigned char)(n >> 8), (unsigned char)n };

		if (send(fd, head, sizeof(head), MSG_NOSIGNAL) < 0 ||
		    send(fd, data, (size_t)n, MSG_NOSIGNAL) < 0) {
			break;
		}
	}
	close(fd);
	return NULL;
}

/* A connection that sends back what it gets, framed. */
static int echo_connection(void)
{
	pthread_t thread;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ||
	    pthread_create(&thread, NULL, echo, (void *)(intptr_t)ends[1])) {
		abort();
	}
	pthread_detach(thread);
	return ends[0];
}

static void put_result(struct fake_engine *f, const struct gantry_op *op, uint32_t i,
		       struct gantry_reply *reply)
{
	const struct gantry_field *field = &op->results[i];
	const char *text = answer_text(f, op->name, field->name);

	if (field->type == GANTRY_TYPE_FD) {
		reply->ops->put_fd(reply, i,
				   strcmp(field->name, "connection") ? text_stream(text) :
								       echo_connection());
	} else if (field->type == GANTRY_TYPE_LIST) {
		if (text) {
			reply->ops->put_item(reply, i, text);
		}
	} else if (field->type == GANTRY_TYPE_STRING || field->type == GANTRY_TYPE_JSON) {
		reply->ops->put_string(reply, i, text);
	} else {
		reply->ops->put_integer(reply, i, text ? atoll(text) : 0);
	}
}

static int fake_call(struct fake_engine *f, unsigned number, const void *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	const struct gantry_op *op = &interface_engine.ops[number];
	int r = 0;

	pthread_mutex_lock(&f->lock);
	buf_adds(&f->calls, op->name);
	for (uint32_t i = 0; i < op->n_args; i++) {
		write_argument(&f->calls, &op->args[i], (const char *)args + op->args[i].offset);
	}
	buf_addc(&f->calls, '\n');
	if (f->failing && !strcmp(f->failing, op->name)) {
		*err = f->failure;
		r = f->failure.code;
	}
	for (uint32_t i = 0; r == 0 && i < op->n_results; i++) {
		put_result(f, op, i, reply);
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

/* One function per operation number. */
#define OP(n)                                                                             \
	static int op_##n(void *self, const void *args, struct gantry_reply *reply,       \
			  struct gantry_error *err)                                       \
	{                                                                                 \
		return fake_call(self, n, args, reply, err);                              \
	}
#define TEN(x, t) x(t##0) x(t##1) x(t##2) x(t##3) x(t##4) x(t##5) x(t##6) x(t##7) x(t##8) x(t##9)
#define ALL(x)                                                                            \
	x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) TEN(x, 1) TEN(x, 2) TEN(x, 3)   \
		TEN(x, 4) TEN(x, 5) TEN(x, 6) TEN(x, 7)
#define NAME(n) op_##n,

ALL(OP)
static const gantry_op_fn functions[] = { ALL(NAME) };

static const void *query(const struct gantry_host *host, const char *service, uint32_t version)
{
	const struct fake_engine *f = (const struct fake_engine *)(const void *)host;

	return strcmp(service, "engine") ? NULL : &f->service;
}

struct fake_engine *fake_engine_new(void)
{
	struct fake_engine *f = calloc(1, sizeof(*f));

	if (!f || interface_engine.n_ops > sizeof(functions) / sizeof(functions[0])) {
		abort();
	}
	pthread_mutex_init(&f->lock, NULL);
	f->host = (struct gantry_host){ .size = sizeof(f->host), .abi = GANTRY_ABI_VERSION,
					.query = query };
	f->service = (struct gantry_engine_service){ .size = sizeof(f->service), .self = f,
						     .ops = &f->ops };
	f->ops.struct_size = sizeof(f->ops);
	for (uint32_t i = 0; i < interface_engine.n_ops; i++) {
		memcpy((char *)&f->ops + interface_engine.ops[i].slot, &functions[i],
		       sizeof(functions[i]));
	}
	return f;
}

void fake_engine_free(struct fake_engine *f)
{
	buf_done(&f->calls);
	free(f);
}

const struct gantry_host *fake_engine_host(const struct fake_engine *f)
{
	return &f->host;
}

const char *fake_engine_calls(struct fake_engine *f)
{
	return buf_str(&f->calls);
}

void fake_engine_clear(struct fake_engine *f)
{
	buf_clear(&f->calls);
	if (f->calls.data) {
		f->calls.data[0] = '\0';
	}
}

void fake_engine_answer(struct fake_engine *f, const char *op, const char *result,
			const char *text)
{
	if (f->n_answers == MAX_ANSWERS) {
		abort();
	}
	f->answers[f->n_answers++] = (struct answer){ op, result, text };
}

void fake_engine_fail(struct fake_engine *f, const char *op, int code, const char *message,
		      const char *hint)
{
	f->failing = code ? op : NULL;
	f->failure = (struct gantry_error)GANTRY_ERROR_INIT;
	error_set(&f->failure, code, "%s", message);
	error_hint(&f->failure, "%s", hint ? hint : "");
}
