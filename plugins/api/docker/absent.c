/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Docker has and gantry has not: each is a clear error with the status that
 * Docker's clients expect there, so that they stop or go on without it.
 */
#include "answer.h"
#include "handlers.h"

#include "helpers/error.h"

int absent_build(struct request *rq, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNSUPPORTED, "gantry cannot build images");
	return error_hint(err, "build with another tool, such as buildah, and load its "
			       "docker-archive or push to a registry");
}

int absent_build_prune(struct request *rq, struct gantry_error *err)
{
	/* `system prune` asks this; there is no build cache to remove. */
	return answer_json(rq, 200, "{\"CachesDeleted\":[],\"SpaceReclaimed\":0}", err);
}

int absent_swarm(struct request *rq, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_UNAVAILABLE,
			 "This node is not a swarm manager: gantry has no swarm mode");
}

int absent_search(struct request *rq, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_UNSUPPORTED, "gantry cannot search registries");
}

int absent_distribution(struct request *rq, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_UNSUPPORTED,
			 "gantry cannot show what a registry has of %s before it is pulled", rq->name);
}

int absent_websocket(struct request *rq, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNSUPPORTED, "gantry does not attach over WebSockets");
	return error_hint(err, "use POST /containers/{id}/attach");
}

int absent_plugin_management(struct request *rq, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNSUPPORTED,
		  "Docker's managed plugins cannot be installed or changed in gantry");
	return error_hint(err, "gantry's own plugins are files: see `gantry plugin`");
}

int absent_volume_update(struct request *rq, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_UNAVAILABLE,
			 "volume %s is no cluster volume: gantry has no swarm mode", rq->name);
}
