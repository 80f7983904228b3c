/* SPDX-License-Identifier: Apache-2.0 */
/* What every api driver does, whatever it serves.  A driver that needs the engine is tested
 * with one, by the tests of what it speaks. */
#include <string.h>

#include <conformance/api.h>

static int handle(struct kit *k, const char *method, const char *target)
{
	return call_handle(k, &GANTRY_API_HANDLE_ARGS(.method = method, .target = target, .headers = "{}"));
}

static void check(struct kit *k)
{
	int64_t status = reply_integer(&k->reply, GANTRY_API_HANDLE_RET_STATUS, 0);

	KIT_TRUE(k, status >= 100 && status < 600, "%lld is no HTTP status", (long long)status);
}

static void life(struct kit *k, const char *id)
{
	(void)id;
	KIT_OK(k, handle(k, "GET", "/"));
	check(k);
}

void conform_api_handle(struct kit *k)
{
	static const char *const targets[] = { "/", "/_ping", "/no/such/thing", "*", "", "/%", "/%00", "/a?b=%zz&&==" };

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]) && !kit_failed(k); i++) {
		KIT_OK(k, handle(k, "GET", targets[i]));
		check(k);
		KIT_OK(k, handle(k, "BREW", targets[i]));
		check(k);
	}
}

const struct kit_kind kit_api = {
	.kind = "api",
	.operations = conform_api_operations,
	.life = life,
	.recover = life,
};
