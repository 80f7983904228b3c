/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SDK's fake host (gantry/fake.h) for tests of built plugins: they are loaded
 * from the build tree and opened as the engine would, and their operations called.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include <gantry/plugin.h>

struct fake_host;

/* New folders below $TMPDIR or /tmp; aborts the test when that fails. */
struct fake_host *fake_host_new(void);

/* Closes drivers that are still open, removes the folders.  NULL is fine. */
void fake_host_free(struct fake_host *f);

/* What a driver's open() takes. */
const struct gantry_host *fake_host_get(const struct fake_host *f);

/* The folder that holds state_dir, run_dir and whatever the test puts there. */
const char *fake_host_dir(const struct fake_host *f);

/* Loads PLUGIN (a path such as "plugins/storage/overlay/overlay.so", relative to
 * the build tree), finds the driver and opens it.  config is JSON or NULL.
 * Returns 0 or the driver's error; *ret_ops is the kind's operation table. */
int fake_host_open(struct fake_host *f, const char *plugin, const char *kind, const char *name,
		   const char *config, const void **ret_ops, void **ret_self,
		   struct gantry_error *err);

/* Closes the driver with this self (all are closed by fake_host_free). */
void fake_host_close(struct fake_host *f, void *self);

/* All log lines so far, "level text\n" each; and all events, "type action id
 * attributes\n" each. Valid until the next line. */
const char *fake_host_log(const struct fake_host *f);
const char *fake_host_events(const struct fake_host *f);

#endif
