/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script that did not change since it last passed is loaded without its tests;
 * a changed one is tested first and, when it fails, the good version stays in
 * force.  Readers take a reference to the set under `lock` and evaluate outside
 * of it; loading happens under `load_lock` and swaps the set at its end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#include "lua/policy/internal.h"
#include "lua/policy/manager.h"
#include "lua/policy/record.h"
#include "lua/policy/test.h"

#define SCRIPTS_MAX 1024
#define LOOK_NS INT64_C(1000000000)
#define GOOD ".good"
#define DISABLED ".disabled"

struct loaded {
	char name[128];
	char digest[SHA256_TEXT];      /* of the file as it was looked at */
	struct policy_script *script;  /* in force; NULL: broken */
	char error[600];               /* why the file is not what is in force */
};

struct generation {
	struct policy_set *set;
	struct loaded *scripts;
	size_t n;
	size_t broken;
	uint64_t fingerprint; /* of the folder's names, sizes and times */
};

struct policy_manager {
	struct policy_config config;
	int folder_fd;
	char *folder;
	pthread_mutex_t lock;      /* the three below */
	struct generation current;
	int64_t looked_at;
	pthread_mutex_t load_lock; /* one loads at a time */
};

static void generation_done(struct generation *g)
{
	size_t i;

	for (i = 0; i < g->n; i++) {
		policy_script_unref(g->scripts[i].script);
	}
	free(g->scripts);
	policy_set_unref(g->set);
	memset(g, 0, sizeof(*g));
}

/* NAME of NAME.lua that is a script and no test; 0 when it is none. */
static int script_name(const char *file, char *ret, size_t size)
{
	size_t len = strlen(file);

	if (len < 5 || len - 4 >= size || file[0] == '.' || strcmp(file + len - 4, ".lua") != 0 ||
	    (len > 9 && strcmp(file + len - 9, "_test.lua") == 0)) {
		return 0;
	}
	memcpy(ret, file, len - 4);
	ret[len - 4] = '\0';
	return 1;
}

static int check_name(const char *name, struct gantry_error *err)
{
	size_t i, len = strlen(name);

	for (i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_' || (c == '.' && i > 0))) {
			break;
		}
	}
	if (len == 0 || len > 100 || i < len ||
	    (len > 5 && strcmp(name + len - 5, "_test") == 0)) {
		return error_set(err, GANTRY_ERR_INVALID, "'%s' is not a name for a policy: use "
				 "letters, digits, - and _", name);
	}
	return 0;
}

/* FNV-1a over what tells that something in the folder changed. */
static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--) {
		hash = (hash ^ *p++) * UINT64_C(1099511628211);
	}
	return hash;
}

struct name_list {
	char (*names)[128];
	size_t n;
	uint64_t fingerprint;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void add_entry(struct policy_manager *manager, const struct dirent *entry,
		      struct name_list *list)
{
	struct stat st;
	uint64_t own = UINT64_C(14695981039346656037);

	if (entry->d_name[0] == '.' || fstatat(manager->folder_fd, entry->d_name, &st, 0) < 0) {
		return;
	}
	own = mix(own, entry->d_name, strlen(entry->d_name));
	own = mix(own, &st.st_mtim, sizeof(st.st_mtim));
	own = mix(own, &st.st_size, sizeof(st.st_size));
	own = mix(own, &st.st_ino, sizeof(st.st_ino));
	list->fingerprint += own; /* whatever the order of the folder */
	if (list->n < SCRIPTS_MAX && S_ISREG(st.st_mode) &&
	    script_name(entry->d_name, list->names[list->n], sizeof(list->names[0]))) {
		list->n++;
	}
}

/* The scripts of the folder by name; the caller frees list->names. */
static int read_names(struct policy_manager *manager, struct name_list *list,
		      struct gantry_error *err)
{
	auto_dir DIR *dir = NULL;
	const struct dirent *entry;
	int fd = openat(manager->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(list, 0, sizeof(*list));
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		return error_errno(err, errno, "cannot read the policies in %s", manager->folder);
	}
	list->names = calloc(SCRIPTS_MAX, sizeof(list->names[0]));
	if (!list->names) {
		return error_no_memory(err);
	}
	while ((entry = readdir(dir))) {
		add_entry(manager, entry, list);
	}
	qsort(list->names, list->n, sizeof(list->names[0]), compare_names);
	return 0;
}

static int read_text(struct policy_manager *manager, const char *sub, const char *name,
		     const char *suffix, struct buf *ret)
{
	char path[300];

	snprintf(path, sizeof(path), "%s%s%s%s", sub, *sub ? "/" : "", name, suffix);
	return read_file(manager->folder_fd, path, ret, SANDBOX_SOURCE_MAX);
}

static int write_text(struct policy_manager *manager, const char *sub, const char *name,
		      const char *suffix, const char *text, size_t len, struct gantry_error *err)
{
	char path[300];
	int r;

	snprintf(path, sizeof(path), "%s%s%s%s", sub, *sub ? "/" : "", name, suffix);
	r = write_file_atomic(manager->folder_fd, path, text, len, 0600, 1);
	return r < 0 ? error_errno(err, -r, "cannot write %s/%s", manager->folder, path) : 0;
}

/* Tests a changed text; when it passes it becomes the good version. */
static int admit(struct policy_manager *manager, const char *name, const struct buf *text,
		 struct gantry_error *err)
{
	auto_(buf) struct buf tests = BUF_INIT;
	auto_json json_object *report = NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int has_tests = read_text(manager, "", name, "_test.lua", &tests) == 0;
	int r = policy_test(&manager->config.limits, name, buf_str(text), text->len,
			    has_tests ? buf_str(&tests) : NULL, tests.len, &report, err);

	if (r == 0) {
		/* A read-only folder costs only that the tests run again. */
		(void)write_text(manager, GOOD, name, ".lua", buf_str(text), text->len, &ignored);
	}
	return r;
}

/* Fills *to with the version of the script that is to be in force. */
static void load_one(struct policy_manager *manager, const char *name, struct loaded *to)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf good = BUF_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int has_good = read_text(manager, GOOD, name, ".lua", &good) == 0;
	int r = read_text(manager, "", name, ".lua", &text);

	snprintf(to->name, sizeof(to->name), "%s", name);
	if (r < 0) {
		error_errno(&err, -r, "cannot read %s/%s.lua", manager->folder, name);
	} else {
		sha256_text(buf_str(&text), text.len, to->digest);
		if (!has_good || good.len != text.len ||
		    memcmp(buf_str(&good), buf_str(&text), text.len) != 0) {
			r = admit(manager, name, &text, &err);
		}
	}
	if (r == 0) {
		r = policy_script_load(&manager->config, name, buf_str(&text), text.len,
				       &to->script, &err);
	}
	if (r == 0) {
		return;
	}
	snprintf(to->error, sizeof(to->error), "%.590s", err.message);
	if (has_good) {
		error_clear(&err);
		(void)policy_script_load(&manager->config, name, buf_str(&good), good.len,
					 &to->script, &err);
	}
}

/* Takes over what did not change from the generation before. */
static int same_as_before(const struct generation *before, const char *name, const char *digest,
			  struct loaded *to)
{
	size_t i;

	for (i = 0; i < before->n; i++) {
		const struct loaded *old = &before->scripts[i];

		if (strcmp(old->name, name) == 0 && strcmp(old->digest, digest) == 0 &&
		    old->script && !old->error[0]) {
			*to = *old;
			policy_script_ref(to->script);
			return 1;
		}
	}
	return 0;
}

static int build_set(struct policy_manager *manager, struct generation *g,
		     struct gantry_error *err)
{
	struct policy_script **list = calloc(g->n + 1, sizeof(*list));
	size_t i, n = 0;
	int r;

	if (!list) {
		return error_no_memory(err);
	}
	for (i = 0; i < g->n; i++) {
		if (g->scripts[i].script) {
			list[n++] = g->scripts[i].script;
		} else {
			g->broken++;
		}
	}
	r = policy_set_new(&manager->config, list, n, &g->set, err);
	free(list);
	return r;
}

static int load_generation(struct policy_manager *manager, const struct name_list *list,
			   struct generation *g, struct gantry_error *err)
{
	size_t i;

	memset(g, 0, sizeof(*g));
	g->fingerprint = list->fingerprint;
	g->scripts = calloc(list->n + 1, sizeof(*g->scripts));
	if (!g->scripts) {
		return error_no_memory(err);
	}
	for (i = 0; i < list->n; i++) {
		auto_(buf) struct buf text = BUF_INIT;
		char digest[SHA256_TEXT] = "";

		if (read_text(manager, "", list->names[i], ".lua", &text) == 0) {
			sha256_text(buf_str(&text), text.len, digest);
		}
		if (!same_as_before(&manager->current, list->names[i], digest, &g->scripts[i])) {
			load_one(manager, list->names[i], &g->scripts[i]);
		}
		g->n = i + 1;
	}
	return build_set(manager, g, err);
}

/* What was changed by hand and did not pass is in the log, once by each process that
 * noticed; what was loaded at the start is not news. */
static void record_problems(struct policy_manager *manager, const struct generation *before,
			    const struct generation *now)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	size_t i, k;

	for (i = 0; manager->config.audit && before->set && i < now->n; i++) {
		const struct loaded *one = &now->scripts[i];

		for (k = 0; k < before->n; k++) {
			if (strcmp(before->scripts[k].name, one->name) == 0 &&
			    strcmp(before->scripts[k].error, one->error) == 0) {
				break;
			}
		}
		if (one->error[0] && k == before->n) {
			(void)record_change(manager->config.audit, "policy.load", one->name,
					    one->script ? "old" : "broken", one->error, NULL, &ignored);
		}
	}
}

/* Loads again when the folder changed; holds load_lock. */
static int refresh(struct policy_manager *manager, struct gantry_error *err)
{
	struct generation fresh, old;
	struct name_list list;
	int r = read_names(manager, &list, err);

	if (r < 0 || (manager->current.set && list.fingerprint == manager->current.fingerprint)) {
		free(list.names);
		return r;
	}
	r = load_generation(manager, &list, &fresh, err);
	free(list.names);
	if (r < 0) {
		generation_done(&fresh);
		return r;
	}
	pthread_mutex_lock(&manager->lock);
	old = manager->current;
	manager->current = fresh;
	pthread_mutex_unlock(&manager->lock);
	record_problems(manager, &old, &manager->current);
	generation_done(&old);
	return 0;
}

static int make_folders(struct policy_manager *manager, struct gantry_error *err)
{
	int r = make_dirs(AT_FDCWD, manager->folder, 0700);

	if (r < 0) {
		return error_errno(err, -r, "cannot make the folder %s", manager->folder);
	}
	manager->folder_fd = open(manager->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (manager->folder_fd < 0) {
		return error_errno(err, errno, "cannot open the folder %s", manager->folder);
	}
	(void)mkdirat(manager->folder_fd, GOOD, 0700);
	(void)mkdirat(manager->folder_fd, DISABLED, 0700);
	return 0;
}

int policy_manager_open(const struct policy_config *config, const char *folder,
			struct policy_manager **ret, struct gantry_error *err)
{
	struct policy_manager *manager = calloc(1, sizeof(*manager));
	int r;

	if (!manager) {
		return error_no_memory(err);
	}
	pthread_mutex_init(&manager->lock, NULL);
	pthread_mutex_init(&manager->load_lock, NULL);
	manager->config = *config;
	manager->folder_fd = -1;
	manager->folder = strdup(folder);
	r = manager->folder ? make_folders(manager, err) : error_no_memory(err);
	if (r == 0) {
		r = refresh(manager, err);
	}
	if (r < 0) {
		policy_manager_close(manager);
		return r;
	}
	manager->looked_at = time_monotonic_ns();
	*ret = manager;
	return 0;
}

void policy_manager_close(struct policy_manager *manager)
{
	if (!manager) {
		return;
	}
	generation_done(&manager->current);
	if (manager->folder_fd >= 0) {
		close(manager->folder_fd);
	}
	pthread_mutex_destroy(&manager->lock);
	pthread_mutex_destroy(&manager->load_lock);
	free(manager->folder);
	free(manager);
}

/* Looks for changes when it is time; what cannot be read now is read later. */
static void look(struct policy_manager *manager, int now)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int64_t time = time_monotonic_ns();
	int due;

	pthread_mutex_lock(&manager->lock);
	due = now || time - manager->looked_at >= LOOK_NS;
	if (due) {
		manager->looked_at = time;
	}
	pthread_mutex_unlock(&manager->lock);
	if (due && (now ? pthread_mutex_lock(&manager->load_lock) :
			  pthread_mutex_trylock(&manager->load_lock)) == 0) {
		(void)refresh(manager, &ignored);
		pthread_mutex_unlock(&manager->load_lock);
	}
}

struct policy_set *policy_manager_set(struct policy_manager *manager, int now)
{
	struct policy_set *set;

	look(manager, now);
	pthread_mutex_lock(&manager->lock);
	set = policy_set_ref(manager->current.set);
	pthread_mutex_unlock(&manager->lock);
	return set;
}

/* The first broken script denies: a policy that cannot be asked says no. */
static int deny_for_broken(struct policy_manager *manager, int point, struct policy_decision *ret)
{
	size_t i;
	int denied = 0;

	if (!(policy_points[point].flags & POLICY_MAY_DENY)) {
		return 0;
	}
	pthread_mutex_lock(&manager->lock);
	for (i = 0; manager->current.broken && i < manager->current.n && !denied; i++) {
		const struct loaded *one = &manager->current.scripts[i];

		if (!one->script) {
			*ret = (struct policy_decision)POLICY_DECISION_INIT;
			ret->denied = denied = 1;
			snprintf(ret->hook, sizeof(ret->hook), "%.120s", one->name);
			snprintf(ret->reason, sizeof(ret->reason),
				 "policy script %.100s cannot be loaded: %.350s", one->name, one->error);
		}
	}
	pthread_mutex_unlock(&manager->lock);
	return denied;
}

int policy_manager_evaluate(struct policy_manager *manager, int point, json_object *request,
			    struct policy_decision *ret, struct gantry_error *err)
{
	struct policy_set *set = policy_manager_set(manager, 0);
	int r = 0;

	if (point < 0 || point >= POLICY_POINTS) {
		r = error_set(err, GANTRY_ERR_INTERNAL, "no such policy point");
	} else if (!deny_for_broken(manager, point, ret)) {
		r = policy_evaluate(set, point, request, ret, err);
	} else if (manager->config.audit) {
		r = record_decision(&manager->config, point, request, ret, err);
	}
	policy_set_unref(set);
	return r;
}

int policy_manager_has(struct policy_manager *manager, int point)
{
	struct policy_set *set = policy_manager_set(manager, 0);
	int has = policy_set_has(set, point);

	policy_set_unref(set);
	pthread_mutex_lock(&manager->lock);
	has = has || (manager->current.broken && (policy_points[point].flags & POLICY_MAY_DENY));
	pthread_mutex_unlock(&manager->lock);
	return has;
}

int policy_manager_mentions(struct policy_manager *manager, const char *word)
{
	struct policy_set *set = policy_manager_set(manager, 0);
	int found = 0;
	size_t i;

	for (i = 0; i < policy_set_size(set) && !found; i++) {
		found = strstr(policy_set_script(set, i)->text, word) != NULL;
	}
	policy_set_unref(set);
	return found;
}

int64_t policy_manager_changed(struct policy_manager *manager)
{
	int64_t changed;

	pthread_mutex_lock(&manager->lock);
	changed = (int64_t)(manager->current.fingerprint >> 1);
	pthread_mutex_unlock(&manager->lock);
	return changed;
}

/* ---- what operators do ---- */

static void list_disabled(struct policy_manager *manager, json_object *list)
{
	int fd = openat(manager->folder_fd, DISABLED, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	char name[128];

	while (dir && (entry = readdir(dir))) {
		if (script_name(entry->d_name, name, sizeof(name))) {
			json_object *o = json_object_new_object();

			json_set_string(o, "name", name);
			json_set_string(o, "state", "disabled");
			json_object_array_add(list, o);
		}
	}
}

int policy_manager_list(struct policy_manager *manager, json_object **ret,
			struct gantry_error *err)
{
	json_object *list = json_object_new_array();
	size_t i;

	if (!list) {
		return error_no_memory(err);
	}
	look(manager, 1);
	pthread_mutex_lock(&manager->lock);
	for (i = 0; i < manager->current.n; i++) {
		const struct loaded *one = &manager->current.scripts[i];
		json_object *o = one->script ? policy_script_describe(one->script) :
					       json_object_new_object();

		json_set_string(o, "name", one->name);
		json_set_string(o, "state", !one->script ? "broken" : one->error[0] ? "old" :
										      "enabled");
		if (one->error[0]) {
			json_set_string(o, "error", one->error);
		}
		json_object_array_add(list, o);
	}
	pthread_mutex_unlock(&manager->lock);
	list_disabled(manager, list);
	*ret = list;
	return 0;
}

static int write_enabled(struct policy_manager *manager, const char *name, const char *text,
			 size_t len, const char *test_text, size_t test_len,
			 struct gantry_error *err)
{
	int r = 0;

	if (test_text) {
		r = write_text(manager, "", name, "_test.lua", test_text, test_len, err);
	}
	if (r == 0) {
		r = write_text(manager, GOOD, name, ".lua", text, len, err);
	}
	if (r == 0) {
		r = write_text(manager, "", name, ".lua", text, len, err);
	}
	return r;
}

int policy_manager_enable(struct policy_manager *manager, const char *name, const char *text,
			  size_t len, const char *test_text, size_t test_len,
			  json_object **ret_report, struct gantry_error *err)
{
	auto_json json_object *report = NULL;
	struct policy_script *probe = NULL;
	int r = check_name(name, err);

	if (r < 0) {
		return r;
	}
	r = policy_test(&manager->config.limits, name, text, len, test_text, test_len, &report,
			err);
	if (ret_report) {
		*ret_report = json_object_get(report);
	}
	/* The tests ran with every service; is all that it needs granted here? */
	if (r == 0) {
		r = policy_script_load(&manager->config, name, text, len, &probe, err);
		policy_script_unref(probe);
	}
	if (r == 0) {
		r = write_enabled(manager, name, text, len, test_text, test_len, err);
	}
	if (r == 0) {
		look(manager, 1);
	}
	return r;
}

int policy_manager_disable(struct policy_manager *manager, const char *name,
			   struct gantry_error *err)
{
	static const char *const suffixes[] = { ".lua", "_test.lua" };
	char from[160], to[180];
	int i, r = check_name(name, err);

	if (r < 0) {
		return r;
	}
	for (i = 0; i < 2; i++) {
		snprintf(from, sizeof(from), "%s%s", name, suffixes[i]);
		snprintf(to, sizeof(to), DISABLED "/%s%s", name, suffixes[i]);
		if (renameat(manager->folder_fd, from, manager->folder_fd, to) < 0 && i == 0) {
			return error_errno(err, errno, "cannot disable policy %s", name);
		}
	}
	snprintf(from, sizeof(from), GOOD "/%s.lua", name);
	(void)unlinkat(manager->folder_fd, from, 0);
	look(manager, 1);
	return 0;
}

int policy_manager_read(struct policy_manager *manager, const char *name, int test,
			struct buf *ret, struct gantry_error *err)
{
	const char *suffix = test ? "_test.lua" : ".lua";
	int r = check_name(name, err);

	if (r < 0) {
		return r;
	}
	r = read_text(manager, "", name, suffix, ret);
	if (r < 0) {
		r = read_text(manager, DISABLED, name, suffix, ret);
	}
	return r < 0 ? error_errno(err, -r, "cannot read policy %s%s", name, suffix) : 0;
}
