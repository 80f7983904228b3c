/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lua/policy/policy.h"

#define DENY POLICY_MAY_DENY
#define CHANGE (POLICY_MAY_DENY | POLICY_MAY_REWRITE)

const struct policy_point policy_points[] = {
	{ "api.request", DENY, "a request arrived; who is asking is not known yet" },
	{ "api.authenticated", CHANGE, "a request, with who is asking" },
	{ "api.answer", DENY | POLICY_MAY_REWRITE_ANSWER, "an answer, before it is sent" },
	{ "login", DENY, "credentials for a registry are checked" },
	{ "image.pull", CHANGE, "before a reference is resolved" },
	{ "image.manifest", DENY, "the manifest is known, nothing is fetched yet" },
	{ "image.verified", DENY, "all content is here and its digests are right" },
	{ "image.push", CHANGE, "before anything is sent" },
	{ "image.remove", DENY, "before an image or a tag is removed" },
	{ "build.step", CHANGE, "before a step of a build runs" },
	{ "container.create", CHANGE, "the whole configuration of a new container" },
	{ "container.update", CHANGE, "before the limits of a container are changed" },
	{ "container.start", DENY, "before a container's processes exist" },
	{ "container.exec", CHANGE, "before a process is added to a container" },
	{ "container.stop", DENY, "before a container is signalled, stopped, paused or restarted" },
	{ "container.remove", DENY, "before a container is removed" },
	{ "network.connect", CHANGE, "before a container joins a network" },
	{ "volume.mount", CHANGE, "before a volume or a path is mounted" },
	{ "plugin.install", DENY, "before a plugin is installed or enabled" },
	{ "tick", 0, "once a minute, while a daemon runs" },
	{ "event", 0, "every event of the engine; observe only" },
	{ NULL, 0, NULL },
};

int policy_point_find(const char *name)
{
	int i;

	for (i = 0; policy_points[i].name; i++) {
		if (strcmp(policy_points[i].name, name) == 0) {
			return i;
		}
	}
	return -1;
}
