/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <json-c/json.h>

#include <helpers/error.h>

#include "arena.h"
#include "jref.h"
#include "resources.h"

/* An array of objects under `key`: *ret_n items of `size` bytes in the arena,
 * each filled by parse(). */
typedef int (*parse_item)(const struct jref *at, struct arena *a, void *item,
			  struct gantry_error *err);

static int parse_list(const struct jref *up, const char *key, struct arena *a, size_t size,
		      parse_item parse, void *ret, size_t *ret_n, struct gantry_error *err)
{
	struct jref list, item;
	char *items;
	int r = jref_get(up, key, json_type_array, &list, err);

	if (r <= 0)
		return r;
	items = arena_array(a, (size_t)jref_len(&list) + 1, size);
	if (!items)
		return error_no_memory(err);
	for (int i = 0; i < jref_len(&list); i++) {
		if ((r = jref_item(&list, i, json_type_object, &item, err)) < 0 ||
		    (r = parse(&item, a, items + (size_t)i * size, err)) < 0)
			return r;
	}
	*(void **)ret = items;
	*ret_n = (size_t)jref_len(&list);
	return 0;
}

static int parse_device_rule(const struct jref *at, struct arena *a, void *item,
			     struct gantry_error *err)
{
	struct device_rule *d = item;
	const char *type = "a", *access = "rwm";
	int r;

	d->major = d->minor = -1;
	if ((r = jref_bool(at, "allow", &d->allow, err)) < 0 ||
	    (r = jref_string(at, "type", &type, err)) < 0 ||
	    (r = jref_int(at, "major", -1, UINT32_MAX, &d->major, err)) < 0 ||
	    (r = jref_int(at, "minor", -1, UINT32_MAX, &d->minor, err)) < 0 ||
	    (r = jref_string(at, "access", &access, err)) < 0)
		return r;
	if (type[0] && (type[1] || !strchr("abc", type[0])))
		return jref_fail(at, err, "type must be a, b or c");
	if (access[strspn(access, "rwm")])
		return jref_fail(at, err, "access: \"%s\" must be made of r, w and m", access);
	if (!access[0])
		access = "rwm";
	d->type = type[0] ? type[0] : 'a';
	d->read = strchr(access, 'r');
	d->write = strchr(access, 'w');
	d->mknod = strchr(access, 'm');
	return 0;
}

static int parse_weight_device(const struct jref *at, struct arena *a, void *item,
			       struct gantry_error *err)
{
	struct weight_device *d = item;
	int r;

	d->weight = d->leaf_weight = UNSET;
	if ((r = jref_int(at, "major", 0, UINT32_MAX, &d->major, err)) < 0 ||
	    (r = jref_int(at, "minor", 0, UINT32_MAX, &d->minor, err)) < 0 ||
	    (r = jref_int(at, "weight", 0, 1000, &d->weight, err)) < 0 ||
	    (r = jref_int(at, "leafWeight", 0, 1000, &d->leaf_weight, err)) < 0)
		return r;
	return 0;
}

static int parse_throttle(const struct jref *at, struct arena *a, void *item,
			  struct gantry_error *err)
{
	struct throttle_device *d = item;
	int r;

	if ((r = jref_int(at, "major", 0, UINT32_MAX, &d->major, err)) < 0 ||
	    (r = jref_int(at, "minor", 0, UINT32_MAX, &d->minor, err)) < 0 ||
	    (r = jref_uint64(at, "rate", &d->rate, err)) < 0)
		return r;
	return 0;
}

static int parse_hugepage(const struct jref *at, struct arena *a, void *item,
			  struct gantry_error *err)
{
	struct hugepage_limit *h = item;
	int r;

	if ((r = jref_string(at, "pageSize", &h->size, err)) < 0 ||
	    (r = jref_uint64(at, "limit", &h->limit, err)) < 0)
		return r;
	if (!h->size || !h->size[0] || strspn(h->size, "0123456789KMGB") != strlen(h->size))
		return jref_fail(at, err, "pageSize must be like 2MB or 1GB");
	return 0;
}

static int parse_priority(const struct jref *at, struct arena *a, void *item,
			  struct gantry_error *err)
{
	const char *name = NULL;
	int64_t priority = 0;
	int r;

	if ((r = jref_string(at, "name", &name, err)) < 0 ||
	    (r = jref_int(at, "priority", 0, UINT32_MAX, &priority, err)) < 0)
		return r;
	if (!name || !name[0] || strlen(name) > 15 || strpbrk(name, "/ \n"))
		return jref_fail(at, err, "name must be an interface");
	*(const char **)item = arena_printf(a, "%s %lld", name, (long long)priority);
	return *(const char **)item ? 0 : error_no_memory(err);
}

static int parse_io(const struct jref *at, struct arena *a, struct resources *res,
		    struct gantry_error *err)
{
	static const char *const keys[THROTTLE_MAX] = {
		[THROTTLE_READ_BPS] = "throttleReadBpsDevice",
		[THROTTLE_WRITE_BPS] = "throttleWriteBpsDevice",
		[THROTTLE_READ_IOPS] = "throttleReadIOPSDevice",
		[THROTTLE_WRITE_IOPS] = "throttleWriteIOPSDevice",
	};
	struct jref io;
	int r = jref_get(at, "blockIO", json_type_object, &io, err);

	if (r <= 0)
		return r;
	if ((r = jref_int(&io, "weight", 0, 1000, &res->io.weight, err)) < 0 ||
	    (r = jref_int(&io, "leafWeight", 0, 1000, &res->io.leaf_weight, err)) < 0 ||
	    (r = parse_list(&io, "weightDevice", a, sizeof(struct weight_device),
			    parse_weight_device, &res->io.weights, &res->io.n_weights, err)) < 0)
		return r;
	for (int i = 0; i < THROTTLE_MAX; i++) {
		r = parse_list(&io, keys[i], a, sizeof(struct throttle_device), parse_throttle,
			       &res->io.throttles[i], &res->io.n_throttles[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_memory(const struct jref *at, struct resources *res, struct gantry_error *err)
{
	struct jref m;
	int r = jref_get(at, "memory", json_type_object, &m, err);

	if (r <= 0)
		return r;
	if ((r = jref_int(&m, "limit", -1, INT64_MAX, &res->memory.limit, err)) < 0 ||
	    (r = jref_int(&m, "reservation", -1, INT64_MAX, &res->memory.reservation, err)) < 0 ||
	    (r = jref_int(&m, "swap", -1, INT64_MAX, &res->memory.swap, err)) < 0 ||
	    (r = jref_int(&m, "kernelTCP", -1, INT64_MAX, &res->memory.kernel_tcp, err)) < 0 ||
	    (r = jref_int(&m, "swappiness", 0, 200, &res->memory.swappiness, err)) < 0 ||
	    (r = jref_bool(&m, "useHierarchy", &res->memory.use_hierarchy, err)) < 0 ||
	    (r = jref_bool(&m, "checkBeforeUpdate", &res->memory.check_before_update, err)) < 0 ||
	    (r = jref_bool(&m, "disableOOMKiller", &res->memory.disable_oom_killer, err)) < 0)
		return r;
	res->memory.has_disable_oom_killer = r > 0;
	if (res->memory.swap > 0 && res->memory.limit > 0 &&
	    res->memory.swap < res->memory.limit)
		return jref_fail(&m, err, "swap (memory and swap together) must not be below limit");
	return 0;
}

static int parse_cpu(const struct jref *at, struct resources *res, struct gantry_error *err)
{
	struct jref c;
	int r = jref_get(at, "cpu", json_type_object, &c, err);

	if (r <= 0)
		return r;
	if ((r = jref_int(&c, "shares", 0, INT64_MAX, &res->cpu.shares, err)) < 0 ||
	    (r = jref_int(&c, "quota", -1, INT64_MAX, &res->cpu.quota, err)) < 0 ||
	    (r = jref_int(&c, "burst", 0, INT64_MAX, &res->cpu.burst, err)) < 0 ||
	    (r = jref_int(&c, "period", 0, INT64_MAX, &res->cpu.period, err)) < 0 ||
	    (r = jref_int(&c, "realtimeRuntime", -1, INT64_MAX, &res->cpu.rt_runtime, err)) < 0 ||
	    (r = jref_int(&c, "realtimePeriod", 0, INT64_MAX, &res->cpu.rt_period, err)) < 0 ||
	    (r = jref_int(&c, "idle", 0, 1, &res->cpu.idle, err)) < 0 ||
	    (r = jref_string(&c, "cpus", &res->cpu.cpus, err)) < 0 ||
	    (r = jref_string(&c, "mems", &res->cpu.mems, err)) < 0)
		return r;
	return 0;
}

static int parse_unified(const struct jref *at, struct arena *a, struct resources *res,
			 struct gantry_error *err)
{
	struct jref u;
	int r = jref_get(at, "unified", json_type_object, &u, err);

	if (r <= 0)
		return r;
	res->unified = arena_array(a, (size_t)json_object_object_length(u.obj) + 1,
				   sizeof(*res->unified));
	if (!res->unified)
		return error_no_memory(err);
	json_object_object_foreach(u.obj, key, value) {
		const char *text = NULL;

		(void)value;
		if ((r = jref_string(&u, key, &text, err)) < 0)
			return r;
		if (!text || !strchr(key, '.') || strchr(key, '/') || key[0] == '.')
			return jref_fail(&u, err, "\"%s\" is not a file of a control group", key);
		res->unified[res->n_unified++] = (struct unified_value){ key, text };
	}
	return 0;
}

static int parse_rdma(const struct jref *at, struct arena *a, struct resources *res,
		      struct gantry_error *err)
{
	struct jref map, item;
	int r = jref_get(at, "rdma", json_type_object, &map, err);

	if (r <= 0)
		return r;
	res->rdma = arena_array(a, (size_t)json_object_object_length(map.obj) + 1,
				sizeof(*res->rdma));
	if (!res->rdma)
		return error_no_memory(err);
	json_object_object_foreach(map.obj, key, value) {
		struct rdma_limit *l = &res->rdma[res->n_rdma++];

		(void)value;
		*l = (struct rdma_limit){ key, UNSET, UNSET };
		if ((r = jref_get(&map, key, json_type_object, &item, err)) < 0 ||
		    (r > 0 &&
		     ((r = jref_int(&item, "hcaHandles", 0, UINT32_MAX, &l->handles, err)) < 0 ||
		      (r = jref_int(&item, "hcaObjects", 0, UINT32_MAX, &l->objects, err)) < 0)))
			return r;
	}
	return 0;
}

int resources_parse(const struct jref *at, struct arena *a, struct resources **ret,
		    struct gantry_error *err)
{
	struct resources *res = arena_alloc(a, sizeof(*res));
	struct jref sub;
	int r;

	if (!res)
		return error_no_memory(err);
	res->memory.limit = res->memory.reservation = res->memory.swap = UNSET;
	res->memory.kernel_tcp = res->memory.swappiness = UNSET;
	res->cpu.shares = res->cpu.quota = res->cpu.burst = res->cpu.period = UNSET;
	res->cpu.rt_runtime = res->cpu.rt_period = res->cpu.idle = UNSET;
	res->pids_limit = res->io.weight = res->io.leaf_weight = res->net.class_id = UNSET;
	if ((r = parse_memory(at, res, err)) < 0 || (r = parse_cpu(at, res, err)) < 0 ||
	    (r = parse_io(at, a, res, err)) < 0 ||
	    (r = parse_list(at, "devices", a, sizeof(struct device_rule), parse_device_rule,
			    &res->devices, &res->n_devices, err)) < 0 ||
	    (r = parse_list(at, "hugepageLimits", a, sizeof(struct hugepage_limit),
			    parse_hugepage, &res->hugepages, &res->n_hugepages, err)) < 0 ||
	    (r = parse_unified(at, a, res, err)) < 0 || (r = parse_rdma(at, a, res, err)) < 0)
		return r;
	r = jref_get(at, "pids", json_type_object, &sub, err);
	if (r < 0 || (r > 0 && (r = jref_int(&sub, "limit", -1, INT64_MAX, &res->pids_limit,
					     err)) < 0))
		return r;
	r = jref_get(at, "network", json_type_object, &sub, err);
	if (r < 0 ||
	    (r > 0 && ((r = jref_int(&sub, "classID", 0, UINT32_MAX, &res->net.class_id, err)) < 0 ||
		       (r = parse_list(&sub, "priorities", a, sizeof(char *), parse_priority,
				       &res->net.interfaces, &res->net.n_interfaces, err)) < 0)))
		return r;
	*ret = res;
	return 0;
}
