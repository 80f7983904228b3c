/* SPDX-License-Identifier: Apache-2.0 */
/* auth/socket: the kernel says who opened a Unix socket.  Names are looked up in files
 * that may be large, so the last ones are kept for a few seconds, under `lock`. */
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/auth.h>
#include <gantry/plugin.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define KEPT 16
#define KEEP_NS INT64_C(10000000000)
#define GROUPS_MAX 64
#define NAME_MAX_LEN 64

struct person {
	int64_t uid;
	int64_t until_ns;
	char user[NAME_MAX_LEN]; /* "": the uid has no name */
	char groups[GROUPS_MAX][NAME_MAX_LEN];
	int n_groups;
};

struct socket_auth {
	pthread_mutex_t lock;
	struct person *kept[KEPT];
	unsigned next;
	struct json_object *config;
};

static void find_groups(struct person *p, gid_t gid)
{
	gid_t ids[GROUPS_MAX];
	int n = GROUPS_MAX;
	char text[4096];

	if (getgrouplist(p->user, gid, ids, &n) < 0) {
		n = n < GROUPS_MAX ? n : GROUPS_MAX;
	}
	for (int i = 0; i < n; i++) {
		struct group entry, *found = NULL;

		if (getgrgid_r(ids[i], &entry, text, sizeof(text), &found) == 0 && found &&
		    strlen(found->gr_name) < NAME_MAX_LEN) {
			strcpy(p->groups[p->n_groups++], found->gr_name);
		}
	}
}

static struct person *look_up(int64_t uid)
{
	struct person *p = calloc(1, sizeof(*p));
	struct passwd entry, *found = NULL;
	char text[4096];

	if (!p) {
		return NULL;
	}
	p->uid = uid;
	p->until_ns = time_monotonic_ns() + KEEP_NS;
	if (getpwuid_r((uid_t)uid, &entry, text, sizeof(text), &found) == 0 && found &&
	    strlen(found->pw_name) < NAME_MAX_LEN) {
		strcpy(p->user, found->pw_name);
		find_groups(p, found->pw_gid);
	}
	return p;
}

/* The kept entry of a uid, made when there is none; holds the lock. */
static struct person *person_of(struct socket_auth *s, int64_t uid)
{
	int64_t now = time_monotonic_ns();
	struct person *fresh;

	for (unsigned i = 0; i < KEPT; i++) {
		if (s->kept[i] && s->kept[i]->uid == uid && s->kept[i]->until_ns > now) {
			return s->kept[i];
		}
	}
	fresh = look_up(uid);
	if (fresh) {
		free(s->kept[s->next]);
		s->kept[s->next] = fresh;
		s->next = (s->next + 1) % KEPT;
	}
	return fresh;
}

static int is_listed(const struct socket_auth *s, const char *user)
{
	struct json_object *list = json_get_array(s->config, "administrators");

	for (size_t i = 0; *user && i < json_array_size(list); i++) {
		if (!strcmp(json_item_string(list, i), user)) {
			return 1;
		}
	}
	return 0;
}

static int answer(const struct socket_auth *s, const struct person *p, struct gantry_reply *reply)
{
	int r = gantry_auth_identify_set_decision(reply, "known");

	if (r == 0 && p->user[0]) {
		r = gantry_auth_identify_set_user(reply, p->user);
	}
	for (int i = 0; r == 0 && i < p->n_groups; i++) {
		r = gantry_auth_identify_add_groups(reply, p->groups[i]);
	}
	if (r == 0) {
		r = gantry_auth_identify_set_auth(reply, "peer");
	}
	return r < 0 ? r : gantry_auth_identify_set_administrator(reply, is_listed(s, p->user));
}

static int socket_identify(void *self, const struct gantry_auth_identify_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	struct socket_auth *s = self;
	auto_json struct json_object *peer = NULL;
	struct person *p;
	int64_t uid;
	int r = json_parse_object(args->peer, "peer", &peer, err);

	if (r < 0) {
		return r;
	}
	uid = json_get_int(peer, "uid", -1);
	if (uid < 0) {
		r = gantry_auth_identify_set_decision(reply, "unknown");
		return r < 0 ? error_no_memory(err) : 0;
	}
	pthread_mutex_lock(&s->lock);
	p = person_of(s, uid);
	r = p ? answer(s, p, reply) : -1;
	pthread_mutex_unlock(&s->lock);
	return r < 0 ? error_no_memory(err) : 0;
}

static void socket_close(void *self)
{
	struct socket_auth *s = self;

	for (unsigned i = 0; i < KEPT; i++) {
		free(s->kept[i]);
	}
	json_object_put(s->config);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int socket_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	struct socket_auth *s = calloc(1, sizeof(*s));
	int r;

	(void)host;
	if (!s) {
		return error_no_memory(err);
	}
	pthread_mutex_init(&s->lock, NULL);
	r = json_parse_object(config, "configuration of auth driver socket", &s->config, err);
	if (r < 0) {
		socket_close(s);
		return r;
	}
	*ret_self = s;
	return 0;
}

static const struct gantry_auth_ops ops = {
	.struct_size = sizeof(ops),
	.identify = socket_identify,
};

static const struct gantry_config_key keys[] = {
	{ "administrators", GANTRY_TYPE_LIST, 0, NULL, "users that may manage policies, beside root" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "auth",
	.name = "socket",
	.summary = "Credentials of a Unix socket's peer",
	.ops = &ops,
	.config = keys,
	.open = socket_open,
	.close = socket_close,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "auth-socket", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = drivers);
