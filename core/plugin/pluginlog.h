/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver's own log, plugin.log in its run folder: what it says through its host
 * and what its process writes to stderr.  Many processes append; the file and one
 * before it are kept, of PLUGIN_LOG_MAX bytes each.
 */
#ifndef CORE_PLUGIN_PLUGINLOG_H
#define CORE_PLUGIN_PLUGINLOG_H

#include <stddef.h>

#define PLUGIN_LOG "plugin.log"
#define PLUGIN_LOG_OLD "plugin.log.1"
#define PLUGIN_LOG_MAX (1 << 20)

/* Appends one line: time, process, level, text; newlines become blanks.  What fails
 * is not said anywhere. */
void plugin_log(const char *run_dir, const char *level, const char *text, size_t len);

#endif
