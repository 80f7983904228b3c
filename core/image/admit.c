/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks are asked twice on an image's way in: when it is known what would be fetched,
 * and when everything is here and its digests are right, before it gets a name. */
#include <string.h>

#include "core/image/admit.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static struct json_object *describe(struct core *core, const struct admission *a)
{
	struct json_object *layers = json_get_array(a->manifest, "layers");
	struct json_object *o = policy_describe_image(core, a->name);
	int64_t size = 0;

	for (size_t i = 0; i < json_array_size(layers); i++) {
		size += json_get_int(json_object_array_get_idx(layers, i), "size", 0);
	}
	/* What the registry answered, whatever was asked for. */
	json_set_string(o, "Digest", a->digest);
	json_set_string(o, "ManifestDigest", a->manifest_digest);
	json_set_string(o, "MediaType", a->media_type);
	json_set_int(o, "Layers", (int64_t)json_array_size(layers));
	json_set_int(o, "Size", size);
	return o;
}

int image_admit_manifest(struct core *core, const struct admission *a, struct gantry_error *err)
{
	struct json_object *target;

	if (!policy_wants(core->policy, POLICY_IMAGE_MANIFEST)) {
		return 0;
	}
	target = json_object_new_object();
	json_set_string(target, "kind", "image");
	json_set_string(target, "reference", a->name);
	json_set_string(target, "digest", a->digest);
	return policy_ask(core->policy, POLICY_IMAGE_MANIFEST, target, describe(core, a), NULL, err);
}

int image_admit_verified(struct core *core, const struct admission *a, struct json_object *config,
			 struct gantry_error *err)
{
	struct json_object *target, *object, *inner = json_get_object(config, "config");
	struct json_object *signatures = NULL;
	int r;

	if (!policy_wants(core->policy, POLICY_IMAGE_VERIFIED)) {
		return 0;
	}
	r = image_signatures(a, &signatures, err);
	if (r < 0) {
		return r;
	}
	target = json_object_new_object();
	json_set_string(target, "kind", "image");
	json_set_string(target, "reference", a->name);
	json_set_string(target, "digest", a->digest);
	json_set(target, "labels", json_object_get(json_get(inner, "Labels")));
	object = describe(core, a);
	json_set(object, "Config", json_object_get(inner));
	json_set(object, "Signatures", signatures);
	return policy_ask(core->policy, POLICY_IMAGE_VERIFIED, target, object, NULL, err);
}
