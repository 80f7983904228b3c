/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every command's table entry, and flags that several share.
 */
#ifndef CLI_COMMANDS_COMMANDS_H
#define CLI_COMMANDS_COMMANDS_H

#include "cli/cli.h"
#include "cli/command.h"

#define FORMAT_FLAG                                                                            \
	{ FLAG_STRING, 0, "format",                                                            \
	  "Print with a Go template:\n"                                                        \
	  "'table':            a table with column headers (default)\n"                       \
	  "'table TEMPLATE':   a table of what the template prints\n"                         \
	  "'json':             JSON, an object per line\n"                                    \
	  "'TEMPLATE':         what the template prints",                                     \
	  NULL, 0 }
#define INSPECT_FORMAT_FLAG                                                                    \
	{ FLAG_STRING, 'f', "format",                                                          \
	  "Print with a Go template:\n"                                                        \
	  "'json':             JSON on one line\n"                                            \
	  "'TEMPLATE':         what the template prints",                                     \
	  NULL, 0 }
#define FILTER_FLAG                                                                            \
	{ FLAG_FILTER, 'f', "filter", "Show only what fits these conditions", NULL, 0 }
#define NO_TRUNC_FLAG { FLAG_BOOL, 0, "no-trunc", "Do not shorten the output", NULL, 0 }
#define DETACH_KEYS_FLAG                                                                       \
	{ FLAG_STRING, 0, "detach-keys", "Keys that detach from the container", NULL, 0 }

extern const struct command attach_command, commit_command, cp_command, create_command,
	diff_command, doctor_command, events_command, exec_command, export_command,
	history_command, images_command, import_command, info_command, inspect_command,
	kill_command, load_command, login_command, logout_command, logs_command, pause_command,
	port_command, ps_command, pull_command, push_command, rename_command, restart_command,
	rm_command, rmi_command, run_command, save_command, start_command, stats_command,
	stop_command, tag_command, top_command, unpause_command, update_command,
	version_command, wait_command;
extern const struct command container_prune_command, container_inspect_command,
	image_inspect_command, image_prune_command, system_df_command, system_prune_command,
	system_setup_rootless_command, generate_systemd_command,
	volume_create_command, volume_inspect_command, volume_ls_command, volume_prune_command,
	volume_rm_command, network_connect_command, network_create_command,
	network_disconnect_command, network_inspect_command, network_ls_command,
	network_prune_command, network_rm_command, plugin_ls_command, plugin_inspect_command,
	plugin_build_command, plugin_check_command, plugin_new_command, plugin_sign_command, plugin_push_command, plugin_install_command,
	plugin_upgrade_command, plugin_enable_command, plugin_disable_command, plugin_rm_command,
	plugin_packages_command, plugin_search_path_command, plugin_trust_command, plugin_trust_add_command,
	plugin_trust_ls_command, plugin_trust_revoke_command, plugin_trust_rm_command,
	plugin_logs_command, plugin_reload_command, plugin_stats_command, plugin_trace_command,
	policy_bench_command, policy_check_command, policy_disable_command, policy_enable_command,
	policy_logs_command, policy_ls_command, policy_new_command, policy_replay_command,
	policy_show_command, policy_test_command, audit_verify_command,
	checkpoint_create_command, checkpoint_ls_command, checkpoint_rm_command;

#endif
