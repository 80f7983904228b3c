/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of all commands. */
#include "cli/commands/commands.h"

static const struct command *const checkpoint_children[] = {
	&checkpoint_create_command, &checkpoint_ls_command, &checkpoint_rm_command, NULL,
};
static const struct command *const container_children[] = {
	&attach_command, &commit_command,  &cp_command,	    &create_command,
	&diff_command,	 &exec_command,	   &export_command, &container_inspect_command,
	&kill_command,	 &logs_command,	   &ps_command,	    &pause_command,
	&port_command,	 &container_prune_command, &rename_command, &restart_command,
	&rm_command,	 &run_command,	   &start_command,  &stats_command,
	&stop_command,	 &top_command,	   &unpause_command, &update_command,
	&wait_command,	 NULL,
};
static const struct command *const image_children[] = {
	&history_command, &import_command, &image_inspect_command, &load_command,
	&images_command,  &image_prune_command, &pull_command,	    &push_command,
	&rmi_command,	  &save_command,   &tag_command,	    NULL,
};
static const struct command *const network_children[] = {
	&network_connect_command, &network_create_command, &network_disconnect_command,
	&network_inspect_command, &network_ls_command,	   &network_prune_command,
	&network_rm_command,	  NULL,
};
static const struct command *const volume_children[] = {
	&volume_create_command, &volume_inspect_command, &volume_ls_command,
	&volume_prune_command,	&volume_rm_command,	 NULL,
};
static const struct command *const system_children[] = {
	&system_df_command, &events_command, &info_command, &system_prune_command,
	&system_setup_rootless_command, NULL,
};
static const struct command *const plugin_children[] = {
	&plugin_build_command, &plugin_check_command, &plugin_disable_command,
	&plugin_enable_command, &plugin_inspect_command, &plugin_install_command,
	&plugin_logs_command, &plugin_ls_command, &plugin_new_command, &plugin_packages_command,
	&plugin_push_command, &plugin_reload_command, &plugin_rm_command,
	&plugin_search_path_command, &plugin_sign_command, &plugin_stats_command,
	&plugin_trace_command, &plugin_trust_command, &plugin_upgrade_command, NULL,
};
static const struct command *const policy_children[] = {
	&policy_bench_command, &policy_check_command,  &policy_disable_command,
	&policy_enable_command, &policy_logs_command,  &policy_ls_command,
	&policy_new_command,   &policy_replay_command, &policy_show_command,
	&policy_test_command,  NULL,
};
static const struct command *const generate_children[] = { &generate_systemd_command, NULL };
static const struct command *const audit_children[] = { &audit_verify_command, NULL };

#define GROUP(id, text)                                                                        \
	static const struct command id##_group = {                                             \
		.name = #id,                                                                   \
		.kind = COMMAND_GROUP,                                                         \
		.category = "Management Commands",                                             \
		.summary = text,                                                               \
		.usage = "COMMAND",                                                            \
		.children = id##_children,                                                     \
	}

GROUP(checkpoint, "Manage checkpoints");
GROUP(container, "Manage containers");
GROUP(image, "Manage images");
GROUP(network, "Manage networks");
GROUP(plugin, "Manage plugins");
GROUP(policy, "Manage policies: scripts that decide what may be done");
GROUP(audit, "Check the log of what policies decided");
GROUP(generate, "Print text for other programs");
GROUP(system, "Manage the engine");
GROUP(volume, "Manage volumes");

static const struct command *const root_children[] = {
	&run_command,	  &exec_command,    &ps_command,      &pull_command,	&push_command,
	&images_command,  &login_command,   &logout_command,  &version_command, &info_command,
	&checkpoint_group, &container_group, &image_group,	    &network_group,   &plugin_group, &policy_group, &audit_group,	&system_group,
	&generate_group,
	&volume_group,	  &attach_command,  &commit_command,  &cp_command,	&create_command,
	&diff_command,	  &doctor_command,  &events_command,  &export_command,	&history_command,
	&import_command,  &inspect_command, &kill_command,    &load_command,	&logs_command,
	&pause_command,	  &port_command,    &rename_command,  &restart_command, &rm_command,
	&rmi_command,	  &save_command,    &start_command,   &stats_command,	&stop_command,
	&tag_command,	  &top_command,	    &unpause_command, &update_command,	&wait_command,
	NULL,
};

const struct command root_command = {
	.name = "",
	.kind = COMMAND_GROUP,
	.summary = "A container platform in which everything that does work is a plugin",
	.usage = "[OPTIONS] COMMAND",
	.children = root_children,
	.flags = global_flags,
};
