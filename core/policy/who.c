/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks.  A request's thread carries it, and a task that goes on in another
 * thread takes a copy along.
 */
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/userns.h"
#include "core/policy/internal.h"
#include "helpers/error.h"

static _Thread_local struct json_object *asking; /* borrowed from policy_handle */

/* This process's own user does not change, and looking it up reads files. */
static pthread_once_t own_once = PTHREAD_ONCE_INIT;
static char own_name[128];

struct json_object *set_asking(struct json_object *who)
{
	struct json_object *was = asking;

	asking = who;
	return was;
}

static void find_own_name(void)
{
	struct passwd entry, *found = NULL;
	char text[4096];

	if (getpwuid_r(userns_outer_uid(), &entry, text, sizeof(text), &found) == 0 && found) {
		snprintf(own_name, sizeof(own_name), "%s", found->pw_name);
	}
}

static struct json_object *own(void)
{
	struct json_object *who = json_object_new_object();

	pthread_once(&own_once, find_own_name);
	json_set_int(who, "uid", userns_outer_uid());
	json_set_int(who, "gid", userns_outer_gid());
	json_set_string(who, "user", own_name[0] ? own_name : NULL);
	json_set_string(who, "transport", "none");
	json_set_string(who, "auth", "peer");
	return who;
}

struct json_object *asking_now(void)
{
	struct json_object *who = NULL;

	if (asking && json_object_deep_copy(asking, &who, NULL) == 0) {
		return who;
	}
	return own();
}

struct json_object *policy_asking_copy(void)
{
	struct json_object *who = NULL;

	return asking && json_object_deep_copy(asking, &who, NULL) == 0 ? who : NULL;
}

void policy_asking_adopt(struct json_object *who)
{
	json_object_put(set_asking(who));
}

static const char *name_of(struct json_object *who, char *text, size_t size)
{
	const char *user = json_get_string(who, "user");

	if (!user) {
		snprintf(text, size, "%lld", (long long)json_get_int(who, "uid", -1));
	}
	return user ? user : text;
}

void policy_asking_name(char *ret, size_t size)
{
	auto_json struct json_object *who = asking_now();
	char uid[32];

	snprintf(ret, size, "%s", name_of(who, uid, sizeof(uid)));
}

/* Root, the engine's own user, and whoever an auth driver calls an administrator. */
int asking_may_manage(struct gantry_error *err)
{
	auto_json struct json_object *who = asking_now();
	const char *auth = json_get_string(who, "auth");
	int64_t uid = json_get_int(who, "uid", -1);
	char text[32];

	/* A user id counts where it is the identity, not where a token stands for another. */
	if ((auth && !strcmp(auth, "peer") && (uid == 0 || uid == (int64_t)getuid())) ||
	    json_get_bool(who, "administrator", 0)) {
		return 0;
	}
	error_set(err, GANTRY_ERR_DENIED, "%s may not change policies",
		  uid < 0 && !json_get_string(who, "user") ? "somebody who is not known" :
							     name_of(who, text, sizeof(text)));
	return error_hint(err, "ask as root, or as the user that the engine runs as");
}
