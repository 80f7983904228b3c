/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission of an image on its way in: the points image.manifest and
 * image.verified, and the signatures that the second is shown.
 */
#ifndef CORE_IMAGE_ADMIT_H
#define CORE_IMAGE_ADMIT_H

#include "core/image/image.h"

/* What is being brought in; everything is borrowed. */
struct admission {
	struct driver *transport; /* with an open session */
	uint64_t session;
	const char *name;            /* as it will be named, or "@sha256:..." */
	const char *digest;          /* of what the name stands for: a list or a manifest */
	const char *manifest_digest; /* of this platform's manifest */
	const char *media_type;
	struct json_object *manifest;
};

/* 0, or DENIED with the hook's reason. */
int image_admit_manifest(struct core *core, const struct admission *a, struct gantry_error *err);
int image_admit_verified(struct core *core, const struct admission *a, struct json_object *config,
			 struct gantry_error *err);

/* The signatures that lie beside the image in its registry, in cosign's form:
 * [{Digest, Payload, Signature}], of those whose payload names the image's digest.  An
 * image without any has an empty list; a registry that cannot be asked is an error. */
int image_signatures(const struct admission *a, struct json_object **ret, struct gantry_error *err);

#endif
