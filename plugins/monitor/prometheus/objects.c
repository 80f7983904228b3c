/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "objects.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "helpers/reply.h"

#define STATS_MAX ((size_t)1 << 20)

void label_escape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '\n':
			buf_adds(out, "\\n");
			break;
		case '"':
		case '\\':
			buf_addc(out, '\\');
			/* fallthrough */
		default:
			buf_addc(out, *text);
		}
	}
}

static void describe(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int parse(const struct reply *ret, struct json_object **to, struct gantry_error *err)
{
	const char *text = reply_string(ret, 0);

	return text ? json_parse(text, strlen(text), "the engine's answer", to, err)
		    : error_set(err, GANTRY_ERR_INTERNAL, "the engine answered nothing");
}

/* One sample of a running container's counters; NULL when it has just ended. */
static struct json_object *sample(const struct gantry_engine_service *engine, const char *id)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	struct json_object *stats = NULL;
	auto_fd int fd = -1;

	if (engine->ops->container_stats(engine->self,
					 &GANTRY_ENGINE_CONTAINER_STATS_ARGS(.name = id, .one_shot = 1),
					 &ret.base, &ignored) < 0) {
		return NULL;
	}
	fd = reply_take_fd(&ret, GANTRY_ENGINE_CONTAINER_STATS_RET_STREAM);
	if (fd >= 0 && read_to_end(fd, &text, STATS_MAX) >= 0) {
		(void)json_parse(buf_str(&text), text.len, "statistics", &stats, &ignored);
	}
	return stats;
}

static void print_sample(struct json_object *container, struct json_object *stats, struct buf *cpu,
			 struct buf *memory)
{
	const char *name = json_item_string(json_get_array(container, "Names"), 0);
	struct json_object *usage = json_get_object(json_get_object(stats, "cpu_stats"), "cpu_usage");
	auto_(buf) struct buf label = BUF_INIT;

	name = name ? name : json_get_string(container, "Id");
	label_escape(&label, name[0] == '/' ? name + 1 : name);
	buf_addf(cpu, "gantry_container_cpu_seconds_total{name=\"%s\"} %.6f\n", buf_str(&label),
		 (double)json_get_int(usage, "total_usage", 0) / 1e9);
	buf_addf(memory, "gantry_container_memory_bytes{name=\"%s\"} %lld\n", buf_str(&label),
		 (long long)json_get_int(json_get_object(stats, "memory_stats"), "usage", 0));
}

static int print_containers(const struct gantry_engine_service *engine, struct buf *out,
			    struct gantry_error *err)
{
	static const char *const states[] = { "created", "running", "paused", "restarting", "exited", "dead" };
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *list = NULL;
	auto_(buf) struct buf cpu = BUF_INIT, memory = BUF_INIT;
	unsigned counts[ARRAY_SIZE(states)] = { 0 };
	int r = engine->ops->container_list(engine->self, &GANTRY_ENGINE_CONTAINER_LIST_ARGS(.all = 1),
					    &ret.base, err);

	if (r == 0) {
		r = parse(&ret, &list, err);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		const char *state = json_get_string(one, "State");

		for (size_t k = 0; state && k < ARRAY_SIZE(states); k++) {
			counts[k] += strcmp(state, states[k]) == 0;
		}
		if (state && strcmp(state, "running") == 0) {
			auto_json struct json_object *stats = sample(engine, json_get_string(one, "Id"));

			if (stats) {
				print_sample(one, stats, &cpu, &memory);
			}
		}
	}
	describe(out, "gantry_containers", "gauge", "Containers by state.");
	for (size_t k = 0; k < ARRAY_SIZE(states); k++) {
		buf_addf(out, "gantry_containers{state=\"%s\"} %u\n", states[k], counts[k]);
	}
	describe(out, "gantry_container_cpu_seconds_total", "counter", "Processor time of a running container.");
	buf_adds(out, buf_str(&cpu));
	describe(out, "gantry_container_memory_bytes", "gauge", "Memory of a running container.");
	buf_adds(out, buf_str(&memory));
	return r;
}

/* A gauge with the length of a list; member names it within the answer, or NULL. */
static int print_count(const struct reply *ret, const char *member, const char *name, struct buf *out,
		       struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r = parse(ret, &o, err);

	if (r == 0) {
		buf_addf(out, "# TYPE %s gauge\n%s %zu\n", name, name,
			 json_array_size(member ? json_get_array(o, member) : o));
	}
	return r;
}

int objects_print(const struct gantry_engine_service *engine, struct buf *out, struct gantry_error *err)
{
	auto_(reply) struct reply images = REPLY_INIT, volumes = REPLY_INIT, networks = REPLY_INIT;
	int r = print_containers(engine, out, err);

	if (r == 0) {
		r = engine->ops->image_list(engine->self, &GANTRY_ENGINE_IMAGE_LIST_ARGS(), &images.base, err);
	}
	if (r == 0) {
		r = print_count(&images, NULL, "gantry_images", out, err);
	}
	if (r == 0) {
		r = engine->ops->volume_list(engine->self, &GANTRY_ENGINE_VOLUME_LIST_ARGS(), &volumes.base,
					     err);
	}
	if (r == 0) {
		r = print_count(&volumes, "Volumes", "gantry_volumes", out, err);
	}
	if (r == 0) {
		r = engine->ops->network_list(engine->self, &GANTRY_ENGINE_NETWORK_LIST_ARGS(), &networks.base,
					      err);
	}
	return r < 0 ? r : print_count(&networks, NULL, "gantry_networks", out, err);
}
