/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering a state, the limits of a call, and the stop.  A sandbox is used by
 * one thread at a time (the caller locks); calls may nest across sandboxes but
 * not within one.  See sandbox.h for why the stop jumps instead of raising.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "helpers/error.h"
#include "helpers/io.h"

#include "lua/sandbox/internal.h"

/* Instructions between two looks at the clock; coroutines inherit the hook when
 * they are made and count on their own. */
#define INSTRUCTIONS 1000

/* For making the environment of a state, which takes some 50 us. */
#define OPEN_NS INT64_C(5000000000)

const char sandbox_result_key;

static int64_t thread_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void sandbox_stop(struct sandbox *sb, enum sandbox_stop reason)
{
	sb->stop = reason;
	sb->running = 0;
	_longjmp(sb->jump, 1);
}

void sandbox_check(struct sandbox *sb)
{
	int64_t now, used;

	if (!sb->running) {
		return;
	}
	now = time_monotonic_ns();
	if (now >= sb->wall_end) {
		sandbox_stop(sb, SANDBOX_STOP_DEADLINE);
	}
	if (now < sb->cpu_look_at) {
		return;
	}
	/* The processor clock costs a system call.  It cannot gain on the wall
	 * clock, so the next look is due when the wall clock used up the rest. */
	used = thread_cpu_ns() - sb->cpu_start;
	if (used >= sb->cpu_ns) {
		sandbox_stop(sb, SANDBOX_STOP_CPU);
	}
	sb->cpu_look_at = now + (sb->cpu_ns - used);
}

void sandbox_tick(struct sandbox *sb)
{
	if ((++sb->ticks & 255) == 0) {
		sandbox_check(sb);
	}
}

int64_t sandbox_left_ns(const struct sandbox *sb)
{
	int64_t left = sb->wall_end - time_monotonic_ns();

	return left > 0 ? left : 1;
}

void sandbox_enter_host(struct sandbox *sb)
{
	sb->in_host++;
}

void sandbox_leave_host(struct sandbox *sb)
{
	sb->in_host--;
	if (sb->in_host == 0 && sb->overdue && sb->running) {
		sandbox_stop(sb, SANDBOX_STOP_DEADLINE);
	}
}

int sandbox_hold(struct sandbox *sb, void *p, void (*release)(void *p))
{
	if (sb->n_held == SANDBOX_HOLDS) {
		return -1;
	}
	sb->held[sb->n_held].p = p;
	sb->held[sb->n_held].release = release;
	sb->n_held++;
	return 0;
}

void sandbox_release(struct sandbox *sb, void *p)
{
	unsigned i;

	sandbox_enter_host(sb);
	for (i = sb->n_held; i-- > 0;) {
		if (sb->held[i].p == p) {
			sb->held[i].release(p);
			sb->held[i] = sb->held[--sb->n_held];
			break;
		}
	}
	sandbox_leave_host(sb);
}

static void release_all(struct sandbox *sb)
{
	while (sb->n_held) {
		struct held *h = &sb->held[--sb->n_held];

		h->release(h->p);
	}
}

static void on_count(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	sandbox_check(sandbox_of(L));
}

/* Reached by an error outside of any protected call, and by errors in Lua's own
 * error handling. */
static int on_panic(lua_State *L)
{
	sandbox_stop(sandbox_of(L), SANDBOX_STOP_BROKEN);
}

struct body_call {
	sandbox_body body;
	void *arg;
};

static int run_body(lua_State *L)
{
	struct body_call *call = lua_touserdata(L, 1);

	lua_settop(L, 0);
	call->body(L, call->arg);
	return 0;
}

/* The message of the error object on the top of the stack. */
static int read_error(lua_State *L)
{
	struct gantry_error *err = lua_touserdata(L, 2);
	size_t len;
	const char *text;

	lua_settop(L, 1);
	text = push_text(L, 1, &len);
	error_set(err, GANTRY_ERR_INVALID, "%.*s", (int)(len > 900 ? 900 : len), text);
	return 0;
}

static int script_error(struct sandbox *sb, int status, struct gantry_error *err)
{
	lua_State *L = sb->L;

	if (status == LUA_ERRMEM) {
		error_set(err, GANTRY_ERR_LIMIT, "the script needs more than its %zu KiB of memory",
			  sb->limit >> 10);
		lua_settop(L, 0);
		return error_hint(err, "keep less in tables, or raise its memory limit");
	}
	error_set(err, GANTRY_ERR_INVALID, "the script failed and its error cannot be shown");
	lua_pushcfunction(L, read_error);
	lua_insert(L, 1);
	lua_pushlightuserdata(L, err);
	lua_pcall(L, 2, 0, 0);
	lua_settop(L, 0);
	return err->code;
}

static int stop_error(struct sandbox *sb, struct gantry_error *err)
{
	switch (sb->stop) {
	case SANDBOX_STOP_DEADLINE:
		return error_set(err, GANTRY_ERR_TIMEOUT,
				 "the script was stopped: its deadline of %lld ms passed",
				 (long long)(sb->wall_ns / 1000000));
	case SANDBOX_STOP_CPU:
		return error_set(err, GANTRY_ERR_TIMEOUT,
				 "the script was stopped: it used its %lld ms of processor time",
				 (long long)(sb->cpu_ns / 1000000));
	case SANDBOX_STOP_MEMORY:
		return error_set(err, GANTRY_ERR_LIMIT,
				 "the script was stopped: it kept asking for more than its %zu KiB "
				 "of memory",
				 sb->limit >> 10);
	default:
		return error_set(err, GANTRY_ERR_LIMIT,
				 "the script was stopped: the interpreter gave up on it");
	}
}

static void begin(struct sandbox *sb, int64_t budget_ns)
{
	int64_t now = time_monotonic_ns();
	int64_t wall = sb->deadline_ns;

	if (budget_ns > 0 && budget_ns < wall) {
		wall = budget_ns;
	}
	sb->wall_ns = wall;
	sb->wall_end = now + wall;
	sb->cpu_look_at = sb->cpu_ns < wall ? now + sb->cpu_ns : INT64_MAX;
	sb->cpu_start = sb->cpu_ns < wall ? thread_cpu_ns() : 0;
	sb->refused = 0;
	sb->ticks = 0;
	sb->closing = 0;
	sb->in_host = 0;
	sb->overdue = 0;
	sb->generation++;
	sb->running = 1;
	watchdog_arm(sb);
}

static void end(struct sandbox *sb)
{
	sb->running = 0;
	watchdog_disarm(sb);
	sb->in_host = 0;
	release_all(sb);
}

int sandbox_call(struct sandbox *sb, sandbox_body body, void *arg, int64_t budget_ns,
		 struct gantry_error *err)
{
	struct body_call call = { body, arg };
	volatile int r = 0;
	int status;

	if (sb->stop || sb->running) {
		return error_set(err, GANTRY_ERR_CONFLICT, sb->stop ?
				 "the script was stopped and must be loaded again" :
				 "the script is running");
	}
	if (_setjmp(sb->jump) == 0) {
		begin(sb, budget_ns);
		lua_settop(sb->L, 0);
		lua_pushcfunction(sb->L, run_body);
		lua_pushlightuserdata(sb->L, &call);
		status = lua_pcall(sb->L, 1, 0, 0);
		if (status != LUA_OK) {
			r = script_error(sb, status, err);
		}
	} else {
		r = stop_error(sb, err);
	}
	end(sb);
	return r;
}

static void open_body(lua_State *L, void *arg)
{
	(void)arg;
	environment_open(L);
	lua_gc(L, LUA_GCCOLLECT);
}

struct sandbox *sandbox_new(const struct sandbox_config *config, struct gantry_error *err)
{
	struct sandbox *sb = calloc(1, sizeof(*sb));

	if (!sb) {
		error_no_memory(err);
		return NULL;
	}
	sb->limit = config->memory_bytes ? config->memory_bytes : SANDBOX_MEMORY_DEFAULT;
	sb->deadline_ns = sb->cpu_ns = OPEN_NS; /* it is our own code that runs first */
	sb->services = config->services;
	sb->L = lua_newstate(sandbox_alloc, sb);
	if (!sb->L) {
		error_set(err, GANTRY_ERR_LIMIT, "a Lua state does not fit into %zu KiB",
			  sb->limit >> 10);
		sandbox_free(sb);
		return NULL;
	}
	*(struct sandbox **)lua_getextraspace(sb->L) = sb;
	lua_atpanic(sb->L, on_panic);
	lua_sethook(sb->L, on_count, LUA_MASKCOUNT, INSTRUCTIONS);
	if (sandbox_call(sb, open_body, NULL, 0, err) < 0) {
		sandbox_free(sb);
		return NULL;
	}
	sb->deadline_ns = config->deadline_ns ? config->deadline_ns : SANDBOX_DEADLINE_DEFAULT;
	sb->cpu_ns = config->cpu_ns ? config->cpu_ns : sb->deadline_ns;
	return sb;
}

void sandbox_free(struct sandbox *sb)
{
	if (sb) {
		release_all(sb);
		sandbox_free_blocks(sb);
		free(sb);
	}
}

struct load_args {
	struct sandbox *sb;
	const char *name;
	const char *text;
	size_t left;
};

/* Hands out small pieces, so that the clock is looked at while Lua compiles. */
static const char *read_piece(lua_State *L, void *arg, size_t *ret_size)
{
	struct load_args *load = arg;
	const char *piece = load->text;

	sandbox_check(load->sb);
	*ret_size = load->left < 512 ? load->left : 512;
	load->text += *ret_size;
	load->left -= *ret_size;
	return piece;
}

static void load_body(lua_State *L, void *arg)
{
	struct load_args *load = arg;

	lua_pushfstring(L, "=%s", load->name);
	if (lua_load(L, read_piece, load, lua_tostring(L, 1), "t") != LUA_OK) {
		lua_error(L);
	}
	lua_call(L, 0, 1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &sandbox_result_key);
}

int sandbox_load(struct sandbox *sb, const char *name, const char *text, size_t len,
		 int64_t budget_ns, struct gantry_error *err)
{
	struct load_args load = { sb, name, text, len };

	if (len > SANDBOX_SOURCE_MAX) {
		return error_set(err, GANTRY_ERR_LIMIT, "script %s is larger than %zu KiB", name,
				 SANDBOX_SOURCE_MAX >> 10);
	}
	return sandbox_call(sb, load_body, &load, budget_ns, err);
}

enum sandbox_stop sandbox_stopped(const struct sandbox *sb)
{
	return sb->stop;
}

size_t sandbox_memory(const struct sandbox *sb)
{
	return sb->used;
}

size_t sandbox_memory_peak(const struct sandbox *sb)
{
	return sb->peak;
}

static void collect_body(lua_State *L, void *arg)
{
	(void)arg;
	lua_gc(L, LUA_GCCOLLECT);
}

void sandbox_collect(struct sandbox *sb)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	(void)sandbox_call(sb, collect_body, NULL, 0, &ignored);
}

struct sandbox *sandbox_of(lua_State *L)
{
	return *(struct sandbox **)lua_getextraspace(L);
}

const struct services *sandbox_services(struct sandbox *sb)
{
	return sb->services;
}

void sandbox_set_user(struct sandbox *sb, void *user)
{
	sb->user = user;
}

void *sandbox_user(struct sandbox *sb)
{
	return sb->user;
}

uint64_t sandbox_generation(const struct sandbox *sb)
{
	return sb->generation;
}
