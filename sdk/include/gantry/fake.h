/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for unit tests of drivers: temporary state and run folders, a log and
 * events that are remembered, a store in files, and an engine of which every operation
 * answers UNSUPPORTED.  Compile the driver's source with
 * -DGANTRY_PLUGIN_SYMBOL=my_plugin into the test program, link it with the flags of
 * `pkg-config gantry-fake`, and call its operations; no dlopen, no engine.
 *
 * Since 1.0.
 */
#ifndef GANTRY_FAKE_H
#define GANTRY_FAKE_H

#include <gantry/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gantry_fake;
struct gantry_fake_reply;

/* A host with new folders below $TMPDIR or /tmp, which are removed with it; or one on
 * folders of the caller's that stay, for a driver that is opened again. Aborts when
 * it cannot be made: it is a test. */
struct gantry_fake *gantry_fake_new(void);
struct gantry_fake *gantry_fake_new_in(const char *folder);
void gantry_fake_free(struct gantry_fake *fake);

/* What open() takes. */
const struct gantry_host *gantry_fake_host(const struct gantry_fake *fake);
/* The folder that holds state/, run/ and store/. */
const char *gantry_fake_folder(const struct gantry_fake *fake);

/* Opens a driver as the engine would: check, then open.  config is JSON text, "{}" for
 * none. */
int gantry_fake_open(struct gantry_fake *fake, const struct gantry_plugin *plugin, const char *kind,
		     const char *name, const char *config, const void **ret_ops, void **ret_self,
		     struct gantry_error *err);

/* Everything logged so far, "LEVEL TEXT\n" each, and every event, "TYPE ACTION ID
 * ATTRIBUTES\n" each.  Valid until the next. */
const char *gantry_fake_log(const struct gantry_fake *fake);
const char *gantry_fake_events(const struct gantry_fake *fake);

/* A collector for results.  Pass gantry_fake_reply_base() to an operation; reset it
 * before the next.  Numbers of fields are GANTRY_<KIND>_<OP>_RET_<NAME>. */
struct gantry_fake_reply *gantry_fake_reply_new(void);
void gantry_fake_reply_free(struct gantry_fake_reply *reply);
void gantry_fake_reply_reset(struct gantry_fake_reply *reply);
struct gantry_reply *gantry_fake_reply_base(struct gantry_fake_reply *reply);
/* What was put; NULL, fallback or -1 where nothing was.  A descriptor stays the
 * collector's. */
const char *gantry_fake_reply_text(const struct gantry_fake_reply *reply, uint32_t field);
int64_t gantry_fake_reply_integer(const struct gantry_fake_reply *reply, uint32_t field, int64_t fallback);
int32_t gantry_fake_reply_fd(const struct gantry_fake_reply *reply, uint32_t field);
/* The i-th item of a list, or NULL behind the last. */
const char *gantry_fake_reply_item(const struct gantry_fake_reply *reply, uint32_t field, uint32_t i);

#ifdef __cplusplus
}
#endif

#endif
