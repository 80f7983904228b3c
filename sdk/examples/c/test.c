/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the driver without an engine: its source is compiled into this program
 * with GANTRY_PLUGIN_SYMBOL=the_plugin, and called on the SDK's fake host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <gantry/fake.h>
#include <gantry/volume.h>

extern const struct gantry_plugin the_plugin;

static struct gantry_error err = GANTRY_ERROR_INIT;
static struct gantry_fake_reply *reply;
static const struct gantry_volume_ops *ops;
static void *self;
static int failures;

#define EXPECT(condition)                                                                        \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "test.c:%d: %s (%s)\n", __LINE__, #condition, err.message); \
			failures++;                                                               \
		}                                                                                 \
		err.code = 0;                                                                     \
	} while (0)

/* CALL(create, CREATE, .name = "x") */
#define CALL(op, OP, ...)                                                                        \
	(gantry_fake_reply_reset(reply),                                                         \
	 ops->op(self, &GANTRY_VOLUME_##OP##_ARGS(__VA_ARGS__), gantry_fake_reply_base(reply), &err))

static void test_life(void)
{
	struct stat st;

	EXPECT(CALL(create, CREATE, .name = "data") == 0);
	EXPECT(CALL(create, CREATE, .name = "data") == 0); /* again is no error */
	EXPECT(CALL(list, LIST) == 0);
	EXPECT(strcmp(gantry_fake_reply_item(reply, GANTRY_VOLUME_LIST_RET_NAME, 0), "data") == 0);
	EXPECT(gantry_fake_reply_item(reply, GANTRY_VOLUME_LIST_RET_NAME, 1) == NULL);
	EXPECT(CALL(mount, MOUNT, .name = "data", .user = "container1") == 0);
	EXPECT(stat(gantry_fake_reply_text(reply, GANTRY_VOLUME_MOUNT_RET_PATH), &st) == 0);
	EXPECT(CALL(remove, REMOVE, .name = "data") == GANTRY_ERR_IN_USE);
	EXPECT(CALL(unmount, UNMOUNT, .name = "data", .user = "container1") == 0);
	EXPECT(CALL(remove, REMOVE, .name = "data") == 0);
	EXPECT(CALL(inspect, INSPECT, .name = "data") == GANTRY_ERR_NOT_FOUND);
	EXPECT(CALL(remove, REMOVE, .name = "data") == 0);
}

static void test_names(void)
{
	EXPECT(CALL(create, CREATE, .name = "../escape") == GANTRY_ERR_INVALID);
	EXPECT(CALL(create, CREATE, .name = "") == GANTRY_ERR_INVALID);
	EXPECT(CALL(create, CREATE, .name = "x", .options = "{\"no\":\"such\"}") == GANTRY_ERR_INVALID);
}

int main(void)
{
	struct gantry_fake *host = gantry_fake_new();
	const void *table;

	if (gantry_fake_open(host, &the_plugin, "volume", "example", "{}", &table, &self, &err) < 0) {
		fprintf(stderr, "open: %s\n", err.message);
		return 1;
	}
	ops = table;
	reply = gantry_fake_reply_new();
	test_life();
	test_names();
	the_plugin.drivers[0]->close(self);
	gantry_fake_reply_free(reply);
	gantry_fake_free(host);
	printf(failures ? "%d failures\n" : "all tests passed\n", failures);
	return failures != 0;
}
