/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every handler, by the object that it is about; routes.c says when each is
 * called.  A handler answers through answer.h and returns 0, or returns the
 * engine's error and leaves the answer to its caller.
 */
#ifndef API_DOCKER_HANDLERS_H
#define API_DOCKER_HANDLERS_H

struct request;
struct gantry_error;

typedef int (*handler_fn)(struct request *rq, struct gantry_error *err);

/* containers.c: objects and lifecycle */
int containers_list(struct request *rq, struct gantry_error *err);
int container_create(struct request *rq, struct gantry_error *err);
int container_inspect(struct request *rq, struct gantry_error *err);
int container_start(struct request *rq, struct gantry_error *err);
int container_stop(struct request *rq, struct gantry_error *err);
int container_restart(struct request *rq, struct gantry_error *err);
int container_kill(struct request *rq, struct gantry_error *err);
int container_remove(struct request *rq, struct gantry_error *err);
int container_pause(struct request *rq, struct gantry_error *err);
int checkpoint_create(struct request *rq, struct gantry_error *err);
int checkpoints_list(struct request *rq, struct gantry_error *err);
int checkpoint_remove(struct request *rq, struct gantry_error *err);
int container_unpause(struct request *rq, struct gantry_error *err);
int container_rename(struct request *rq, struct gantry_error *err);
int container_update(struct request *rq, struct gantry_error *err);
int container_resize(struct request *rq, struct gantry_error *err);
int container_top(struct request *rq, struct gantry_error *err);
int containers_prune(struct request *rq, struct gantry_error *err);

/* streams.c: what a container says and is told */
int container_attach(struct request *rq, struct gantry_error *err);
int container_logs(struct request *rq, struct gantry_error *err);
int container_stats(struct request *rq, struct gantry_error *err);
int container_wait(struct request *rq, struct gantry_error *err);

/* files.c: a container's filesystem */
int container_archive_stat(struct request *rq, struct gantry_error *err);
int container_archive_get(struct request *rq, struct gantry_error *err);
int container_archive_put(struct request *rq, struct gantry_error *err);
int container_changes(struct request *rq, struct gantry_error *err);
int container_export(struct request *rq, struct gantry_error *err);
int container_commit(struct request *rq, struct gantry_error *err);

/* exec.c */
int exec_create(struct request *rq, struct gantry_error *err);
int exec_start(struct request *rq, struct gantry_error *err);
int exec_inspect(struct request *rq, struct gantry_error *err);
int exec_resize(struct request *rq, struct gantry_error *err);

/* images.c: objects */
int images_list(struct request *rq, struct gantry_error *err);
int image_inspect(struct request *rq, struct gantry_error *err);
int image_history(struct request *rq, struct gantry_error *err);
int image_tag(struct request *rq, struct gantry_error *err);
int image_remove(struct request *rq, struct gantry_error *err);
int images_prune(struct request *rq, struct gantry_error *err);

/* transfer.c: images that come and go */
int image_create(struct request *rq, struct gantry_error *err);
int image_push(struct request *rq, struct gantry_error *err);
int image_save(struct request *rq, struct gantry_error *err);
int images_save(struct request *rq, struct gantry_error *err);
int images_load(struct request *rq, struct gantry_error *err);

/* networks.c */
int networks_list(struct request *rq, struct gantry_error *err);
int network_inspect(struct request *rq, struct gantry_error *err);
int network_create(struct request *rq, struct gantry_error *err);
int network_remove(struct request *rq, struct gantry_error *err);
int network_connect(struct request *rq, struct gantry_error *err);
int network_disconnect(struct request *rq, struct gantry_error *err);
int networks_prune(struct request *rq, struct gantry_error *err);

/* volumes.c */
int volumes_list(struct request *rq, struct gantry_error *err);
int volume_inspect(struct request *rq, struct gantry_error *err);
int volume_create(struct request *rq, struct gantry_error *err);
int volume_remove(struct request *rq, struct gantry_error *err);
int volumes_prune(struct request *rq, struct gantry_error *err);

/* system.c */
int system_ping(struct request *rq, struct gantry_error *err);
int system_version(struct request *rq, struct gantry_error *err);
int system_info(struct request *rq, struct gantry_error *err);
int system_auth(struct request *rq, struct gantry_error *err);
int system_events(struct request *rq, struct gantry_error *err);
int system_disk_usage(struct request *rq, struct gantry_error *err);

/* plugins.c: gantry's own objects, and its plugins in Docker's shape */
int gantry_doctor(struct request *rq, struct gantry_error *err);
int gantry_doctor_clear(struct request *rq, struct gantry_error *err);
int gantry_policy(struct request *rq, struct gantry_error *err);
int gantry_metrics(struct request *rq, struct gantry_error *err);
int gantry_plugin_manage(struct request *rq, struct gantry_error *err);
int gantry_plugins_list(struct request *rq, struct gantry_error *err);
int gantry_plugin_inspect(struct request *rq, struct gantry_error *err);
int gantry_plugin_stats(struct request *rq, struct gantry_error *err);
int gantry_plugin_reload(struct request *rq, struct gantry_error *err);
int gantry_plugin_logs(struct request *rq, struct gantry_error *err);
int gantry_plugin_trace(struct request *rq, struct gantry_error *err);
int plugins_list(struct request *rq, struct gantry_error *err);
int plugin_inspect(struct request *rq, struct gantry_error *err);

/* absent.c: what Docker has and gantry has not, said clearly */
int absent_build(struct request *rq, struct gantry_error *err);
int absent_build_prune(struct request *rq, struct gantry_error *err);
int absent_swarm(struct request *rq, struct gantry_error *err);
int absent_search(struct request *rq, struct gantry_error *err);
int absent_distribution(struct request *rq, struct gantry_error *err);
int absent_websocket(struct request *rq, struct gantry_error *err);
int absent_plugin_management(struct request *rq, struct gantry_error *err);
int absent_volume_update(struct request *rq, struct gantry_error *err);

#endif
