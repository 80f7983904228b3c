/* SPDX-License-Identifier: Apache-2.0 */
/* What every cluster driver does. */
#include <stdio.h>
#include <string.h>

#include <conformance/cluster.h>

static int put(struct kit *k, const char *key, const char *value, int64_t expect)
{
	return call_put(k, &GANTRY_CLUSTER_PUT_ARGS(.key = key, .value = { value, strlen(value) }, .expect = expect));
}

static int get(struct kit *k, const char *key)
{
	return call_get(k, &GANTRY_CLUSTER_GET_ARGS(.key = key));
}

static int has(struct kit *k, const char *key, const char *value)
{
	struct gantry_bytes b;

	if (get(k, key) < 0) {
		return 0;
	}
	b = reply_bytes(&k->reply, GANTRY_CLUSTER_GET_RET_VALUE);
	return b.size == strlen(value) && memcmp(b.data, value, b.size) == 0;
}

static int drop(struct kit *k, const char *key, int64_t expect)
{
	return call_remove(k, &GANTRY_CLUSTER_REMOVE_ARGS(.key = key, .expect = expect));
}

static void life(struct kit *k, const char *id)
{
	int64_t revision;
	char key[100];

	snprintf(key, sizeof(key), "kit/%s", id);
	KIT_OK(k, put(k, key, "one", -1));
	revision = reply_integer(&k->reply, GANTRY_CLUSTER_PUT_RET_REVISION, 0);
	KIT_TRUE(k, revision > 0, "the first revision is %lld", (long long)revision);
	KIT_TRUE(k, has(k, key, "one"), "what was put is not there");
	(void)KIT_IS(k, put(k, key, "two", -1), GANTRY_ERR_CONFLICT);
	KIT_OK(k, put(k, key, "two", revision));
	KIT_TRUE(k, reply_integer(&k->reply, GANTRY_CLUSTER_PUT_RET_REVISION, 0) > revision, "the revision did not grow");
	(void)KIT_IS(k, put(k, key, "three", revision), GANTRY_ERR_CONFLICT);
	KIT_TRUE(k, has(k, key, "two"), "a refused put changed the value");
	KIT_OK(k, drop(k, key, 0));
	(void)KIT_IS(k, get(k, key), GANTRY_ERR_NOT_FOUND);
}

static void recover(struct kit *k, const char *id)
{
	char key[100];

	snprintf(key, sizeof(key), "kit/%s", id);
	KIT_OK(k, drop(k, key, 0));
	life(k, id);
}

void conform_cluster_get(struct kit *k)
{
	(void)KIT_IS(k, get(k, "kit/absent"), GANTRY_ERR_NOT_FOUND);
	life(k, "got");
}

void conform_cluster_put(struct kit *k)
{
	KIT_OK(k, put(k, "kit/a", "", 0));
	KIT_TRUE(k, has(k, "kit/a", ""), "an empty value is not kept");
	KIT_OK(k, drop(k, "kit/a", 0));
}

void conform_cluster_remove(struct kit *k)
{
	KIT_OK(k, drop(k, "kit/absent", 0));
	KIT_OK(k, put(k, "kit/a", "1", 0));
	(void)KIT_IS(k, drop(k, "kit/a", 999999), GANTRY_ERR_CONFLICT);
	KIT_OK(k, drop(k, "kit/a", 0));
}

void conform_cluster_list(struct kit *k)
{
	KIT_OK(k, put(k, "kit/b", "1", 0));
	KIT_OK(k, put(k, "kit/a", "1", 0));
	KIT_OK(k, call_list(k, &GANTRY_CLUSTER_LIST_ARGS(.prefix = "kit/")));
	KIT_TRUE(k, reply_list(&k->reply, 0)[0] && !strcmp(reply_list(&k->reply, 0)[0], "kit/a") &&
			    reply_list(&k->reply, 0)[1] && !strcmp(reply_list(&k->reply, 0)[1], "kit/b"),
		 "list does not give the keys in order");
	KIT_OK(k, drop(k, "kit/a", 0));
	KIT_OK(k, drop(k, "kit/b", 0));
}

void conform_cluster_watch(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_CLUSTER_OP_WATCH);
	life(k, "watched");
}

void conform_cluster_grant(struct kit *k)
{
	KIT_OK(k, call_grant(k, &GANTRY_CLUSTER_GRANT_ARGS(.lease = "kit", .seconds = 60)));
	KIT_OK(k, call_grant(k, &GANTRY_CLUSTER_GRANT_ARGS(.lease = "kit", .seconds = 60)));
	KIT_OK(k, call_revoke(k, &GANTRY_CLUSTER_REVOKE_ARGS(.lease = "kit")));
}

void conform_cluster_revoke(struct kit *k)
{
	KIT_OK(k, call_revoke(k, &GANTRY_CLUSTER_REVOKE_ARGS(.lease = "absent")));
	KIT_OK(k, call_grant(k, &GANTRY_CLUSTER_GRANT_ARGS(.lease = "kit", .seconds = 60)));
	KIT_OK(k, call_put(k, &GANTRY_CLUSTER_PUT_ARGS(.key = "kit/leased", .value = { "x", 1 }, .lease = "kit")));
	KIT_OK(k, call_revoke(k, &GANTRY_CLUSTER_REVOKE_ARGS(.lease = "kit")));
	(void)KIT_IS(k, get(k, "kit/leased"), GANTRY_ERR_NOT_FOUND);
}

void conform_cluster_status(struct kit *k)
{
	KIT_OK(k, call_status(k, &GANTRY_CLUSTER_STATUS_ARGS()));
	KIT_TRUE(k, reply_string(&k->reply, GANTRY_CLUSTER_STATUS_RET_MEMBERS)[0] == '[', "members is no JSON array");
}

const struct kit_kind kit_cluster = {
	.kind = "cluster",
	.operations = conform_cluster_operations,
	.life = life,
	.recover = recover,
};
