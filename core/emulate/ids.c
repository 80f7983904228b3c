/* SPDX-License-Identifier: Apache-2.0 */
/* setuid(2) and its family, by the rules that the kernel has for a process whose
 * effective user 0 has the capabilities and others have not. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "core/emulate/emulate.h"
#include "helpers/cleanup.h"

#define KEEP UINT32_MAX

/* May the caller take any id? */
static int is_free(const struct request *rq, int group)
{
	return (rq->who.uid.effective == 0 || rq->who.has_caps) &&
	       request_has_cap(rq, group ? CAP_SETGID : CAP_SETUID);
}

/* Who was root and is not any more loses its capabilities, unless it asked to keep
 * them (those of the kernel stay, which is as harmless as root in the container). */
static void follow_caps(const struct ids *old, struct identity *who)
{
	int was = !old->real || !old->effective || !old->saved;
	int is = !who->uid.real || !who->uid.effective || !who->uid.saved;

	if (was && !is)
		who->has_caps = who->keeps_caps;
}

/* Ids of a nested user namespace are not ours to make up. */
static int64_t begin(struct request *rq, struct identity *ret)
{
	int r = request_is_nested(rq) ? (int)-EXDEV : request_identity(rq);

	if (r == -EXDEV)
		return ANSWER_CONTINUE;
	if (r == 0)
		*ret = rq->who;
	return r;
}

static int is_any(const struct ids *ids, uint32_t id)
{
	return id == ids->real || id == ids->effective || id == ids->saved;
}

static int64_t set_one(struct request *rq, int group)
{
	uint32_t id = (uint32_t)rq->args[0];
	struct identity who;
	int64_t r = begin(rq, &who);
	struct ids *ids = group ? &who.gid : &who.uid;

	if (r != 0)
		return r;
	if (id == KEEP)
		return -EINVAL;
	if (is_free(rq, group))
		ids->real = ids->saved = id;
	else if (id != ids->real && id != ids->saved)
		return -EPERM;
	ids->effective = ids->fs = id;
	follow_caps(&rq->who.uid, &who);
	return request_set_identity(rq, &who);
}

static int64_t set_real_effective(struct request *rq, int group)
{
	uint32_t real = (uint32_t)rq->args[0], effective = (uint32_t)rq->args[1];
	struct identity who;
	int64_t r = begin(rq, &who);
	struct ids *ids = group ? &who.gid : &who.uid, old = *ids;

	if (r != 0)
		return r;
	if (!is_free(rq, group)) {
		if (real != KEEP && real != old.real && real != old.effective)
			return -EPERM;
		if (effective != KEEP && !is_any(&old, effective))
			return -EPERM;
	}
	if (real != KEEP)
		ids->real = real;
	if (effective != KEEP)
		ids->effective = effective;
	if (real != KEEP || (effective != KEEP && effective != old.real))
		ids->saved = ids->effective;
	ids->fs = ids->effective;
	follow_caps(&rq->who.uid, &who);
	return request_set_identity(rq, &who);
}

static int64_t set_three(struct request *rq, int group)
{
	uint32_t wanted[3] = {(uint32_t)rq->args[0], (uint32_t)rq->args[1], (uint32_t)rq->args[2]};
	struct identity who;
	int64_t r = begin(rq, &who);
	struct ids *ids = group ? &who.gid : &who.uid, old = *ids;
	uint32_t *to[3] = {&ids->real, &ids->effective, &ids->saved};

	if (r != 0)
		return r;
	for (int i = 0; i < 3; i++) {
		if (wanted[i] == KEEP)
			continue;
		if (!is_any(&old, wanted[i]) && !is_free(rq, group))
			return -EPERM;
		*to[i] = wanted[i];
	}
	ids->fs = ids->effective;
	follow_caps(&rq->who.uid, &who);
	return request_set_identity(rq, &who);
}

/* Answers the id before, whether or not it changed. */
static int64_t set_fs(struct request *rq, int group)
{
	uint32_t id = (uint32_t)rq->args[0];
	struct identity who;
	int64_t r = begin(rq, &who);
	struct ids *ids = group ? &who.gid : &who.uid;
	uint32_t old;

	if (r != 0)
		return r;
	old = ids->fs;
	if (id != KEEP && id != old && (is_any(ids, id) || is_free(rq, group))) {
		ids->fs = id;
		(void)request_set_identity(rq, &who);
	}
	return old;
}

int64_t call_setuid(struct request *rq)
{
	return set_one(rq, 0);
}

int64_t call_setgid(struct request *rq)
{
	return set_one(rq, 1);
}

int64_t call_setreuid(struct request *rq)
{
	return set_real_effective(rq, 0);
}

int64_t call_setregid(struct request *rq)
{
	return set_real_effective(rq, 1);
}

int64_t call_setresuid(struct request *rq)
{
	return set_three(rq, 0);
}

int64_t call_setresgid(struct request *rq)
{
	return set_three(rq, 1);
}

int64_t call_setfsuid(struct request *rq)
{
	return set_fs(rq, 0);
}

int64_t call_setfsgid(struct request *rq)
{
	return set_fs(rq, 1);
}

int64_t call_setgroups(struct request *rq)
{
	struct identity who;
	int64_t r = begin(rq, &who);
	uint64_t n = (uint32_t)rq->args[0];

	if (r != 0)
		return r;
	if (!is_free(rq, 1))
		return -EPERM;
	if (n > IDENTITY_MAX_GROUPS)
		return -EINVAL;
	memset(who.groups, 0, sizeof(who.groups));
	r = n ? request_read(rq, rq->args[1], who.groups, n * sizeof(who.groups[0])) : 0;
	if (r < 0)
		return r;
	who.n_groups = (uint32_t)n;
	return request_set_identity(rq, &who);
}

/* As long as the kernel's answer is true it may give it. */
static int64_t asks(struct request *rq, uint32_t (*get)(const struct identity *who))
{
	int r = request_identity(rq);

	if (r < 0)
		return r;
	if (rq->who.is_default || request_is_nested(rq))
		return ANSWER_CONTINUE;
	return get(&rq->who);
}

static uint32_t real_uid(const struct identity *who)
{
	return who->uid.real;
}

static uint32_t effective_uid(const struct identity *who)
{
	return who->uid.effective;
}

static uint32_t real_gid(const struct identity *who)
{
	return who->gid.real;
}

static uint32_t effective_gid(const struct identity *who)
{
	return who->gid.effective;
}

int64_t call_getuid(struct request *rq)
{
	return asks(rq, real_uid);
}

int64_t call_geteuid(struct request *rq)
{
	return asks(rq, effective_uid);
}

int64_t call_getgid(struct request *rq)
{
	return asks(rq, real_gid);
}

int64_t call_getegid(struct request *rq)
{
	return asks(rq, effective_gid);
}

static int64_t get_three(struct request *rq, int group)
{
	int r = request_identity(rq);
	const struct ids *ids = group ? &rq->who.gid : &rq->who.uid;
	const uint32_t values[3] = {ids->real, ids->effective, ids->saved};

	if (r == 0 && (rq->who.is_default || request_is_nested(rq)))
		return ANSWER_CONTINUE;
	for (int i = 0; i < 3 && r == 0; i++)
		r = request_write(rq, rq->args[i], &values[i], sizeof(values[i]));
	return r;
}

int64_t call_getresuid(struct request *rq)
{
	return get_three(rq, 0);
}

int64_t call_getresgid(struct request *rq)
{
	return get_three(rq, 1);
}

int64_t call_getgroups(struct request *rq)
{
	int32_t room = (int32_t)rq->args[0];
	int r = request_identity(rq);

	if (r < 0)
		return r;
	if (rq->who.is_default || request_is_nested(rq))
		return ANSWER_CONTINUE;
	if (room < 0 || (room > 0 && (uint32_t)room < rq->who.n_groups))
		return -EINVAL;
	if (room > 0 && rq->who.n_groups)
		r = request_write(rq, rq->args[1], rq->who.groups,
				  rq->who.n_groups * sizeof(rq->who.groups[0]));
	return r < 0 ? r : (int64_t)rq->who.n_groups;
}

/* PR_SET_KEEPCAPS: noted, and the kernel's to do. */
int64_t call_prctl(struct request *rq)
{
	struct identity who;
	int64_t r = begin(rq, &who);

	if (r == 0) {
		who.keeps_caps = rq->args[1] == 1;
		(void)request_set_identity(rq, &who);
	}
	return ANSWER_CONTINUE;
}
