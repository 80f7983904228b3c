/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/format/functions.h"
#include "cli/format/node.h"
#include "cli/format/template.h"
#include "cli/format/value.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define MAX_ARGS 32
#define MAX_VARIABLES 64

struct variable {
	const char *name;
	struct value value;
};

enum flow {
	FLOW_NEXT,
	FLOW_BREAK,
	FLOW_CONTINUE,
};

struct run {
	const struct template *t;
	const struct template_data *data;
	struct buf *out;
	struct gantry_error *err;
	struct value dot; /* borrowed reference */
	struct variable variables[MAX_VARIABLES];
	size_t n_variables;
	unsigned long steps;
	enum flow flow;
};

static int eval_pipe(struct run *run, const struct node *pipe, struct value *ret);
static int run_list(struct run *run, const struct node *list);

/* `template: :1:2: executing "" at <.Foo>: why`. */
static int run_error(struct run *run, const struct node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int run_error(struct run *run, const struct node *at, const char *fmt, ...)
{
	size_t line = 1, column = 0, len = at->end > at->pos ? at->end - at->pos : 1;
	size_t start = at->pos;
	char why[600];
	va_list ap;

	for (size_t i = 0; i < at->pos; i++) {
		column++;
		if (run->t->text[i] == '\n') {
			line++;
			column = 0;
		}
	}
	/* Further fields of a chain move its position, not what is shown. */
	while (start > 0 && !strchr(" \t\n{(|", run->t->text[start - 1])) {
		start--;
		len++;
	}
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return error_set(run->err, GANTRY_ERR_INVALID,
			 "template: :%zu:%zu: executing \"\" at <%.*s%s>: %s", line, column,
			 (int)(len > 20 ? 20 : len), run->t->text + start, len > 20 ? "..." : "", why);
}

static int count_step(struct run *run, const struct node *at)
{
	if (++run->steps > TEMPLATE_MAX_STEPS) {
		return run_error(run, at, "the template runs for too long");
	}
	if (run->out->len > TEMPLATE_MAX_OUTPUT) {
		return run_error(run, at, "the template's output is too large");
	}
	return 0;
}

/* Members of the engine's types that are maps or lists even when they are null. */
static int is_one_of(const char *name, const char *const *names)
{
	for (; name && *names; names++) {
		if (strcmp(name, *names) == 0) {
			return 1;
		}
	}
	return 0;
}

static const char *const map_names[] = {
	"Annotations", "Containers", "DriverOpts",	"ExposedPorts", "GraphDriver", "Labels",
	"LogOpts",     "Metadata", "Networks",	"Options",	"PortBindings", "Ports",
	"StorageOpt",  "Sysctls",  "Tmpfs",	"Volumes",	"Warnings",	NULL,
};

static const char *const list_names[] = {
	"Aliases",     "Args",	     "Binds",	   "CapAdd",	  "CapDrop",	"Cmd",
	"DNSNames",    "DeviceCgroupRules",	   "DeviceRequests", "Devices",	"Dns",
	"DnsOptions",  "DnsSearch",  "Entrypoint", "Env",	  "ExecIDs",	"ExtraHosts",
	"GroupAdd",    "Layers",     "Links",	   "MaskedPaths", "Mounts",	"OnBuild",
	"ReadonlyPaths", "RepoDigests", "RepoTags", "SecurityOpt", "Shell",	"Ulimits",
	"VolumesFrom", NULL,
};

/* Go spells some members in other cases than JSON does: .ID, .Id. */
static int find_member(struct json_object *o, const char *name, struct json_object **ret)
{
	if (json_object_object_get_ex(o, name, ret)) {
		return 1;
	}
	json_object_object_foreach(o, key, value) {
		if (strcasecmp(key, name) == 0) {
			*ret = value;
			return 1;
		}
	}
	return 0;
}

/* Members that the engine leaves out of its JSON when they are null. */
static const char *const optional_names[] = { "Health", "Healthcheck", "SizeRootFs", "SizeRw", NULL };

/* What the engine's types hold where JSON has null, or lacks a member altogether. */
static enum value_kind nil_kind(const char *name)
{
	return is_one_of(name, map_names)	 ? VALUE_NIL_MAP
	       : is_one_of(name, list_names)	 ? VALUE_NIL_LIST
	       : is_one_of(name, optional_names) ? VALUE_NIL_POINTER
						 : VALUE_JSON;
}

static int missing_field(struct run *run, const struct node *at, const struct value *in,
			 const char *name, int is_row, const char *parent, int is_last,
			 struct value *ret)
{
	if (is_last && !is_row && nil_kind(name) != VALUE_JSON && !is_one_of(parent, map_names)) {
		*ret = (struct value){ nil_kind(name), NULL };
		return 0;
	}
	if (in->kind == VALUE_NIL_MAP || is_one_of(parent, map_names)) {
		*ret = (struct value){ VALUE_NONE, NULL };
		return 0;
	}
	if (run->data->header) {
		*ret = (struct value){ VALUE_NONE, NULL };
		return 0;
	}
	if (is_row && run->data->type_name) {
		return run_error(run, at, "can't evaluate field %s in type %s", name,
				 run->data->type_name);
	}
	return run_error(run, at, "map has no entry for key \"%s\"", name);
}

static int get_field(struct run *run, const struct node *at, const struct value *in,
		     const char *name, const char *parent, int is_last, const struct value *arg,
		     struct value *ret)
{
	int is_row = in->o && in->o == run->data->dot &&
		     (run->data->type_name || run->data->method);
	struct json_object *o;

	if (is_row && run->data->method &&
	    run->data->method(in->o, name, arg ? value_string(arg) : NULL, &o)) {
		*ret = value_of(o);
		return 0;
	}
	if (arg) {
		return run_error(run, at, "%s has arguments but cannot be invoked as function", name);
	}
	if (json_object_is_type(in->o, json_type_object)) {
		if (!find_member(in->o, name, &o)) {
			return missing_field(run, at, in, name, is_row, parent, is_last, ret);
		}
		*ret = value_of(json_object_get(o));
		if (!o) {
			ret->kind = nil_kind(name);
		}
		return 0;
	}
	if (in->kind == VALUE_NIL_MAP || run->data->header) {
		*ret = (struct value){ VALUE_NONE, NULL };
		return 0;
	}
	if (!in->o) {
		return run_error(run, at, "nil pointer evaluating interface {}.%s", name);
	}
	return run_error(run, at, "can't evaluate field %s in type interface {}", name);
}

/* Names i.. of a node, starting from *v, which is replaced.  arg goes to the last. */
static int walk_fields(struct run *run, const struct node *n, size_t i, const struct value *arg,
		       struct value *v)
{
	const char *parent = NULL;

	for (; i < n->n_names; i++) {
		struct value next;
		int last = i + 1 == n->n_names;
		int r = get_field(run, n, v, n->names[i], parent, last, last ? arg : NULL,
				  &next);

		if (r < 0) {
			return r;
		}
		json_object_put(v->o);
		*v = next;
		parent = n->names[i];
	}
	return 0;
}

static int find_variable(struct run *run, const struct node *n, struct value *ret)
{
	for (size_t i = run->n_variables; i > 0; i--) {
		if (strcmp(run->variables[i - 1].name, n->names[0]) == 0) {
			*ret = run->variables[i - 1].value;
			json_object_get(ret->o);
			return 0;
		}
	}
	return run_error(run, n, "undefined variable \"%s\"", n->names[0]);
}

static int call_function(struct run *run, const struct node *at, const struct function *f,
			 const struct value *args, int n, struct value *ret)
{
	struct gantry_error why = GANTRY_ERROR_INIT;

	if (n < f->min_args || (f->max_args >= 0 && n > f->max_args)) {
		return run_error(run, at, "wrong number of args for %s: want %s%d got %d", f->name,
				 f->max_args < 0 ? "at least " : "", f->min_args, n);
	}
	if (run->data->header && f->is_text) {
		*ret = args[0];
		json_object_get(ret->o);
		return 0;
	}
	if (f->call(args, n, ret, &why) < 0) {
		return run_error(run, at, "error calling %s: %s", f->name, why.message);
	}
	return 0;
}

/* An operand that stands alone or as an argument. */
static int eval_operand(struct run *run, const struct node *n, const struct value *arg,
			struct value *ret)
{
	int r = 0;

	*ret = (struct value){ VALUE_JSON, NULL };
	switch (n->type) {
	case NODE_DOT:
		*ret = run->dot;
		json_object_get(ret->o);
		return 0;
	case NODE_NIL:
		return 0;
	case NODE_CONSTANT:
		*ret = value_of(json_object_get(n->constant));
		return 0;
	case NODE_FUNCTION:
		return call_function(run, n, n->function, NULL, 0, ret);
	case NODE_FIELD:
		*ret = run->dot;
		json_object_get(ret->o);
		r = walk_fields(run, n, 0, arg, ret);
		break;
	case NODE_VARIABLE:
		r = find_variable(run, n, ret);
		r = r < 0 ? r : walk_fields(run, n, 1, arg, ret);
		break;
	case NODE_CHAIN:
		r = n->first->type == NODE_PIPE ? eval_pipe(run, n->first, ret)
						: eval_operand(run, n->first, NULL, ret);
		r = r < 0 ? r : walk_fields(run, n, 0, arg, ret);
		break;
	default:
		return run_error(run, n, "it is not an operand");
	}
	if (r < 0) {
		json_object_put(ret->o);
		*ret = (struct value){ VALUE_JSON, NULL };
	}
	return r;
}

static int eval_function(struct run *run, const struct node *command, const struct value *final,
			 struct value *ret)
{
	struct value args[MAX_ARGS];
	int n = 0, r = 0;

	for (const struct node *a = command->first->next; a && r == 0; a = a->next) {
		if (n + 1 >= MAX_ARGS) {
			r = run_error(run, a, "too many arguments");
			break;
		}
		r = eval_operand(run, a, NULL, &args[n]);
		n += r == 0;
	}
	if (r == 0 && final) {
		args[n] = *final;
		json_object_get(final->o);
		n++;
	}
	if (r == 0) {
		r = call_function(run, command, command->first->function, args, n, ret);
	}
	while (n > 0) {
		json_object_put(args[--n].o);
	}
	return r;
}

static int eval_command(struct run *run, const struct node *command, const struct value *final,
			struct value *ret)
{
	const struct node *first = command->first;
	auto_(value) struct value arg = { VALUE_JSON, NULL };
	int r;

	r = count_step(run, first);
	if (r < 0) {
		return r;
	}
	if (first->type == NODE_FUNCTION) {
		return eval_function(run, command, final, ret);
	}
	if (!first->next && !final) {
		return eval_operand(run, first, NULL, ret);
	}
	if (first->type != NODE_FIELD && first->type != NODE_CHAIN && first->type != NODE_VARIABLE) {
		return run_error(run, first, "can't give argument to non-function %.*s",
				 (int)(first->end - first->pos), run->t->text + first->pos);
	}
	if (first->next) {
		r = eval_operand(run, first->next, NULL, &arg);
		if (r < 0) {
			return r;
		}
	}
	return eval_operand(run, first, first->next ? &arg : final, ret);
}

static int set_variable(struct run *run, const struct node *at, const char *name, int assigns,
			const struct value *v)
{
	size_t i = run->n_variables;

	json_object_get(v->o);
	if (assigns) {
		while (i > 0 && strcmp(run->variables[i - 1].name, name) != 0) {
			i--;
		}
		if (i == 0) {
			json_object_put(v->o);
			return run_error(run, at, "undefined variable \"%s\"", name);
		}
		json_object_put(run->variables[i - 1].value.o);
		run->variables[i - 1].value = *v;
		return 0;
	}
	if (i == MAX_VARIABLES) {
		json_object_put(v->o);
		return run_error(run, at, "too many variables");
	}
	run->variables[run->n_variables++] = (struct variable){ name, *v };
	return 0;
}

static void drop_variables(struct run *run, size_t mark)
{
	while (run->n_variables > mark) {
		json_object_put(run->variables[--run->n_variables].value.o);
	}
}

static int eval_commands(struct run *run, const struct node *pipe, struct value *ret)
{
	struct value v = { VALUE_JSON, NULL };
	int first = 1;

	for (const struct node *c = pipe->first; c; c = c->next) {
		struct value next = { VALUE_JSON, NULL };
		int r = eval_command(run, c, first ? NULL : &v, &next);

		json_object_put(v.o);
		if (r < 0) {
			return r;
		}
		v = next;
		first = 0;
	}
	*ret = v;
	return 0;
}

static int eval_pipe(struct run *run, const struct node *pipe, struct value *ret)
{
	int r = eval_commands(run, pipe, ret);

	for (size_t i = 0; r == 0 && i < pipe->n_names; i++) {
		r = set_variable(run, pipe, pipe->names[i], pipe->assigns, ret);
		if (r < 0) {
			json_object_put(ret->o);
			ret->o = NULL;
		}
	}
	return r;
}

struct iteration {
	struct run *run;
	const struct node *range;
};

/* One round of a range with dot and its variables set. */
static int iterate(struct iteration *it, struct value key, struct json_object *element)
{
	struct run *run = it->run;
	const struct node *pipe = it->range->pipe;
	struct value saved = run->dot;
	struct value v = value_of(element);
	size_t mark = run->n_variables;
	int r = count_step(run, it->range);

	if (r == 0 && pipe->n_names == 2) {
		r = set_variable(run, pipe, pipe->names[0], pipe->assigns, &key);
	}
	if (r == 0 && pipe->n_names > 0) {
		r = set_variable(run, pipe, pipe->names[pipe->n_names - 1], pipe->assigns, &v);
	}
	if (r == 0) {
		run->dot = v;
		r = run_list(run, it->range->body);
		run->dot = saved;
	}
	drop_variables(run, mark);
	if (run->flow == FLOW_BREAK) {
		run->flow = FLOW_NEXT;
		return r < 0 ? r : 1;
	}
	run->flow = FLOW_NEXT;
	return r;
}

static int iterate_member(void *user, const char *key, struct json_object *element)
{
	auto_(value) struct value k = value_of(json_object_new_string(key));

	return iterate(user, k, element);
}

static int run_range(struct run *run, const struct node *n)
{
	struct iteration it = { run, n };
	auto_(value) struct value v = { VALUE_JSON, NULL };
	int64_t count;
	int r = eval_commands(run, n->pipe, &v);

	if (r < 0) {
		return r;
	}
	if (!value_is_true(&v)) {
		return v.o && !json_object_is_type(v.o, json_type_array) &&
				       !json_object_is_type(v.o, json_type_object) &&
				       !json_object_is_type(v.o, json_type_int)
			       ? run_error(run, n->pipe, "range can't iterate over %s",
					   json_object_get_string(v.o))
			       : run_list(run, n->other);
	}
	if (json_object_is_type(v.o, json_type_object)) {
		r = json_each_sorted(v.o, iterate_member, &it);
		return r < 0 ? r : 0;
	}
	if (!json_object_is_type(v.o, json_type_array) && !json_object_is_type(v.o, json_type_int)) {
		return run_error(run, n->pipe, "range can't iterate over %s",
				 json_object_get_string(v.o));
	}
	count = json_object_is_type(v.o, json_type_int) ? json_object_get_int64(v.o)
							: (int64_t)json_object_array_length(v.o);
	for (int64_t i = 0; i < count && r == 0; i++) {
		auto_(value) struct value k = value_of(json_object_new_int64(i));

		r = iterate(&it, k,
			    json_object_is_type(v.o, json_type_int)
				    ? k.o
				    : json_object_array_get_idx(v.o, (size_t)i));
	}
	return r < 0 ? r : 0;
}

static int run_condition(struct run *run, const struct node *n)
{
	auto_(value) struct value v = { VALUE_JSON, NULL };
	struct value saved = run->dot;
	size_t mark = run->n_variables;
	int r = eval_pipe(run, n->pipe, &v);

	if (r < 0) {
		return r;
	}
	if (!value_is_true(&v)) {
		r = run_list(run, n->other);
	} else {
		run->dot = n->type == NODE_WITH ? v : saved;
		r = run_list(run, n->body);
		run->dot = saved;
	}
	drop_variables(run, mark);
	return r;
}

static int run_action(struct run *run, const struct node *n)
{
	auto_(value) struct value v = { VALUE_JSON, NULL };
	int r = eval_pipe(run, n->pipe, &v);

	if (r < 0) {
		return r;
	}
	if (n->pipe->n_names == 0) {
		value_print(&v, run->out);
	}
	return 0;
}

static int run_list(struct run *run, const struct node *list)
{
	int r = 0;

	for (const struct node *n = list; n && r == 0 && run->flow == FLOW_NEXT; n = n->next) {
		r = count_step(run, n);
		if (r < 0) {
			return r;
		}
		switch (n->type) {
		case NODE_TEXT:
			buf_add(run->out, n->text, n->len);
			break;
		case NODE_ACTION:
			r = run_action(run, n);
			break;
		case NODE_RANGE:
			r = run_range(run, n);
			break;
		case NODE_BREAK:
			run->flow = FLOW_BREAK;
			break;
		case NODE_CONTINUE:
			run->flow = FLOW_CONTINUE;
			break;
		default:
			r = run_condition(run, n);
		}
	}
	return r;
}

int template_execute(const struct template *t, const struct template_data *data, struct buf *out,
		     struct gantry_error *err)
{
	struct run run = { .t = t, .data = data, .out = out, .err = err };
	int r;

	run.dot = value_of(data->dot);
	run.variables[run.n_variables++] = (struct variable){ "$", value_of(json_object_get(data->dot)) };
	r = run_list(&run, t->body);
	drop_variables(&run, 0);
	if (r == 0 && buf_failed(out)) {
		return error_no_memory(err);
	}
	return r;
}
