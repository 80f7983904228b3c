/* SPDX-License-Identifier: Apache-2.0 */
/* What every auth driver does: it knows who asks, or says that it does not. */
#include <string.h>

#include <conformance/auth.h>

#define PEER "{\"transport\":\"unix\",\"uid\":0,\"gid\":0,\"pid\":1}"

static int identify(struct kit *k, const char *peer, const char *headers)
{
	return call_identify(k, &GANTRY_AUTH_IDENTIFY_ARGS(.peer = peer, .headers = headers, .method = "GET",
							   .target = "/v1.43/info"));
}

static void check(struct kit *k)
{
	const char *decision = reply_string(&k->reply, GANTRY_AUTH_IDENTIFY_RET_DECISION);
	const char *user = reply_string(&k->reply, GANTRY_AUTH_IDENTIFY_RET_USER);

	KIT_TRUE(k, !strcmp(decision, "known") || !strcmp(decision, "unknown") || !strcmp(decision, "refused"),
		 "\"%s\" is no decision", decision);
	KIT_TRUE(k, strcmp(decision, "known") || (user && *user), "somebody without a name is known");
}

static void life(struct kit *k, const char *id)
{
	(void)id;
	KIT_OK(k, identify(k, PEER, "{}"));
	check(k);
}

void conform_auth_identify(struct kit *k)
{
	static const char *const wrong[] = {
		"{\"authorization\":\"Bearer conformance-no-such-token\"}",
		"{\"authorization\":\"Bearer \"}", "{\"authorization\":\"\"}", "{\"authorization\":\"Basic \\u0000\"}",
	};

	life(k, "one");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (identify(k, "{\"transport\":\"tcp\",\"address\":\"192.0.2.1\"}", wrong[i]) == 0) {
			check(k);
			KIT_TRUE(k, strcmp(reply_string(&k->reply, GANTRY_AUTH_IDENTIFY_RET_DECISION), "known") != 0,
				 "a token that nobody gave makes somebody known: %s", wrong[i]);
		}
	}
}

const struct kit_kind kit_auth = {
	.kind = "auth",
	.operations = conform_auth_operations,
	.life = life,
	.recover = life,
	.may_keep = 1 << 20,
};
