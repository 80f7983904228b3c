/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every runtime driver answers about containers that are not there.  A container's
 * life takes a shim and a root filesystem, and is tested with them (gantry's own
 * integration tests run with --runtime).
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <conformance/runtime.h>

static const char *state_dir(struct kit *k)
{
	static char path[4600];

	snprintf(path, sizeof(path), "%s/container", gantry_fake_host(k->fake)->run_dir);
	mkdir(path, 0700);
	return path;
}

static const char *fixed(struct kit *k, const char *op, const char *field)
{
	(void)op;
	return !strcmp(field, "state_dir") || !strcmp(field, "bundle") ? state_dir(k)
	       : !strcmp(field, "spec")				       ? "{\"ociVersion\":\"1.0.2\"}"
								       : NULL;
}

/* An operation on a container that was never made: refused in words. */
#define REFUSES(k, OP, op, ...)                                                                          \
	do {                                                                                             \
		KIT_NEEDS(k, GANTRY_RUNTIME_OP_##OP);                                                     \
		KIT_TRUE(k, call_##op(k, &GANTRY_RUNTIME_##OP##_ARGS(.id = "absent", .state_dir = state_dir(k), \
								     ##__VA_ARGS__)) < 0,                \
			 #op " of a container that is not there succeeds");                               \
	} while (0)

void conform_runtime_create(struct kit *k)
{
	REFUSES(k, CREATE, create, .bundle = "/nonexistent", .spec = "{}");
}

void conform_runtime_start(struct kit *k)
{
	REFUSES(k, START, start);
}

void conform_runtime_exec(struct kit *k)
{
	REFUSES(k, EXEC, exec, .process = "{\"args\":[\"true\"]}");
}

void conform_runtime_signal(struct kit *k)
{
	REFUSES(k, SIGNAL, signal, .signal = 9);
}

void conform_runtime_pause(struct kit *k)
{
	REFUSES(k, PAUSE, pause);
}

void conform_runtime_resume(struct kit *k)
{
	REFUSES(k, RESUME, resume);
}

void conform_runtime_update(struct kit *k)
{
	REFUSES(k, UPDATE, update, .resources = "{}");
}

void conform_runtime_state(struct kit *k)
{
	(void)KIT_IS(k, call_state(k, &GANTRY_RUNTIME_STATE_ARGS(.id = "absent", .state_dir = state_dir(k))),
		     GANTRY_ERR_NOT_FOUND);
}

void conform_runtime_stats(struct kit *k)
{
	REFUSES(k, STATS, stats);
}

void conform_runtime_processes(struct kit *k)
{
	REFUSES(k, PROCESSES, processes);
}

void conform_runtime_delete(struct kit *k)
{
	KIT_OK(k, call_delete(k, &GANTRY_RUNTIME_DELETE_ARGS(.id = "absent", .state_dir = state_dir(k))));
	KIT_OK(k, call_delete(k, &GANTRY_RUNTIME_DELETE_ARGS(.id = "absent", .state_dir = state_dir(k), .force = 1)));
}

void conform_runtime_features(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_RUNTIME_OP_FEATURES);
	KIT_OK(k, call_features(k, &GANTRY_RUNTIME_FEATURES_ARGS()));
	KIT_TRUE(k, reply_string(&k->reply, GANTRY_RUNTIME_FEATURES_RET_FEATURES)[0] == '{', "features is no JSON object");
}

const struct kit_kind kit_runtime = {
	.kind = "runtime",
	.operations = conform_runtime_operations,
	.fixed = fixed,
};

void conform_runtime_checkpoint(struct kit *k)
{
	REFUSES(k, CHECKPOINT, checkpoint, .images = state_dir(k));
}

void conform_runtime_restore(struct kit *k)
{
	REFUSES(k, RESTORE, restore, .bundle = "/nonexistent", .images = "/nonexistent");
}
