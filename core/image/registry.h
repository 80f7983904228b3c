/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registries as the configuration knows them: mirrors, those without TLS, and the one whose
 * name may be left out.
 */
#ifndef CORE_IMAGE_REGISTRY_H
#define CORE_IMAGE_REGISTRY_H

#include "core/engine/engine.h"
#include "core/image/reference.h"

/* What a transport's session on a registry is told, as JSON text that the caller owns; NULL
 * when memory ends. */
char *image_registry_options(struct core *core, const char *domain);

/* Opens a session on an image's repository.  auth: the request's, or NULL. */
int image_registry_open(struct core *core, const struct reference *ref, const char *mode,
			const char *auth, struct driver **ret_driver, uint64_t *ret_session,
			struct gantry_error *err);

/* RegistryConfig of /info; the caller's. */
struct json_object *image_registry_info(struct core *core);
/* Under which name clients keep the login to the default registry. */
const char *image_registry_index(struct core *core);

#endif
