/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* What one kind of pruning asks and answers. */
struct prune {
	const char *name; /* of what is pruned */
	const char *target;
	const char *warning;
	const char *title;   /* "Deleted Containers:" */
	const char *deleted; /* member with the list */
	int counts_space;
};

static const struct prune containers = {
	"container", "/containers/prune", "WARNING! This will remove all stopped containers.",
	"Deleted Containers:", "ContainersDeleted", 1,
};
static const struct prune images = {
	"image", "/images/prune", "WARNING! This will remove all dangling images.", "Deleted Images:",
	"ImagesDeleted", 1,
};
static const struct prune all_images = {
	"image", "/images/prune", "WARNING! This will remove all images without at least one container "
	"associated to them.", "Deleted Images:", "ImagesDeleted", 1,
};
static const struct prune volumes = {
	"volume", "/volumes/prune", "WARNING! This will remove anonymous local volumes not used by at least "
	"one container.", "Deleted Volumes:", "VolumesDeleted", 1,
};
static const struct prune all_volumes = {
	"volume", "/volumes/prune", "WARNING! This will remove all local volumes not used by at least one "
	"container.", "Deleted Volumes:", "VolumesDeleted", 1,
};
static const struct prune networks = {
	"network", "/networks/prune", "WARNING! This will remove all custom networks not used by at least one "
	"container.", "Deleted Networks:", "NetworksDeleted", 0,
};

/* Asks on the terminal; anything but y is no. */
static int confirmed(const struct args *args, const char *warning)
{
	char answer[16] = "";

	if (args_bool(args, "force", 0)) {
		return 1;
	}
	printf("%s\nAre you sure you want to continue? [y/N] ", warning);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

static void print_deleted(struct json_object *list, const char *title)
{
	if (!json_array_size(list)) {
		return;
	}
	printf("%s\n", title);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		const char *untagged = json_get_string(item, "Untagged");

		if (json_object_is_type(item, json_type_string)) {
			printf("%s\n", json_object_get_string(item));
		} else if (untagged && *untagged) {
			printf("untagged: %s\n", untagged);
		} else {
			printf("deleted: %s\n", json_get_string(item, "Deleted"));
		}
	}
	printf("\n");
}

/* Filters of the command line and one of our own. */
static void add_filters(struct buf *target, const struct args *args, const char *own)
{
	static const struct flag filter = { FLAG_FILTER, 0, "filter", "", NULL, 0 };
	struct args more = *args;
	auto_free struct flag_value *values = calloc(args->n_values + 1, sizeof(*values));

	if (!values) {
		return;
	}
	if (args->n_values) {
		memcpy(values, args->values, args->n_values * sizeof(*values));
	}
	if (own) {
		values[more.n_values++] = (struct flag_value){ &filter, own };
	}
	more.values = values;
	target_add_filters(target, &more, "filter");
}

static int prune_one(struct cli *cli, const struct args *args, const struct prune *p,
		     const char *filter, int64_t *space, struct gantry_error *err)
{
	auto_json struct json_object *answer = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	buf_adds(&target, p->target);
	add_filters(&target, args, filter);
	r = api_call(cli, "POST", buf_str(&target), NULL, &answer, err);
	if (r == 0) {
		print_deleted(json_get_array(answer, p->deleted), p->title);
		*space += json_get_int(answer, "SpaceReclaimed", 0);
	}
	return r;
}

static int prune(struct cli *cli, const struct args *args, const struct prune *p,
		 const char *filter, struct gantry_error *err)
{
	int64_t space = 0;
	char text[UNITS_MAX];
	int r;

	if (!confirmed(args, p->warning)) {
		return error_set(err, GANTRY_ERR_CANCELLED, "%s prune has been cancelled",
				 p->name);
	}
	r = prune_one(cli, args, p, filter, &space, err);
	if (r == 0 && p->counts_space) {
		printf("Total reclaimed space: %s\n", units_human_size((double)space, 4, text));
	}
	return r;
}

static int command_container_prune(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return prune(cli, args, &containers, NULL, err);
}

static int command_image_prune(struct cli *cli, struct args *args, struct gantry_error *err)
{
	int all = args_bool(args, "all", 0);

	return prune(cli, args, all ? &all_images : &images, all ? "dangling=false" : "dangling=true",
		     err);
}

static int command_volume_prune(struct cli *cli, struct args *args, struct gantry_error *err)
{
	int all = args_bool(args, "all", 0);

	return prune(cli, args, all ? &all_volumes : &volumes, all ? "all=1" : NULL, err);
}

static int command_network_prune(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return prune(cli, args, &networks, NULL, err);
}

static int command_system_prune(struct cli *cli, struct args *args, struct gantry_error *err)
{
	int all = args_bool(args, "all", 0), with_volumes = args_bool(args, "volumes", 0);
	auto_(buf) struct buf warning = BUF_INIT;
	char text[UNITS_MAX];
	int64_t space = 0;
	int r;

	buf_addf(&warning,
		 "WARNING! This will remove:\n"
		 "  - all stopped containers\n"
		 "  - all networks not used by at least one container\n%s  - %s\n",
		 with_volumes ? "  - all anonymous volumes not used by at least one container\n" : "",
		 all ? "all images without at least one container associated to them"
		     : "all dangling images");
	if (!confirmed(args, buf_str(&warning))) {
		return error_set(err, GANTRY_ERR_CANCELLED, "system prune has been cancelled");
	}
	r = prune_one(cli, args, &containers, NULL, &space, err);
	r = r < 0 ? r : prune_one(cli, args, &networks, NULL, &space, err);
	if (r == 0 && with_volumes) {
		r = prune_one(cli, args, &volumes, NULL, &space, err);
	}
	r = r < 0 ? r : prune_one(cli, args, &images, all ? "dangling=false" : "dangling=true", &space,
				  err);
	if (r == 0) {
		printf("Total reclaimed space: %s\n", units_human_size((double)space, 4, text));
	}
	return r;
}

#define PRUNE_FLAGS                                                                            \
	{ FLAG_FILTER, 0, "filter", "Prune only what fits (such as \"until=24h\")", NULL, 0 }, \
	{ FLAG_BOOL, 'f', "force", "Do not ask", NULL, 0 }

static const struct flag plain_flags[] = { PRUNE_FLAGS, { FLAG_NONE } };
static const struct flag image_flags[] = {
	{ FLAG_BOOL, 'a', "all", "Remove all unused images, not only dangling ones", NULL, 0 },
	PRUNE_FLAGS,
	{ FLAG_NONE },
};
static const struct flag volume_flags[] = {
	{ FLAG_BOOL, 'a', "all", "Remove all unused volumes, not only anonymous ones", NULL, 0 },
	PRUNE_FLAGS,
	{ FLAG_NONE },
};
static const struct flag system_flags[] = {
	{ FLAG_BOOL, 'a', "all", "Remove all unused images, not only dangling ones", NULL, 0 },
	PRUNE_FLAGS,
	{ FLAG_BOOL, 0, "volumes", "Remove anonymous volumes, too", NULL, 0 },
	{ FLAG_NONE },
};

#define PRUNE_COMMAND(group, text, its_flags)                                                  \
	const struct command group##_prune_command = {                                         \
		.name = "prune",                                                               \
		.summary = text,                                                               \
		.usage = "[OPTIONS]",                                                          \
		.flags = its_flags,                                                            \
		.run = command_##group##_prune,                                                \
	}

PRUNE_COMMAND(container, "Remove all stopped containers", plain_flags);
PRUNE_COMMAND(image, "Remove unused images", image_flags);
PRUNE_COMMAND(volume, "Remove unused local volumes", volume_flags);
PRUNE_COMMAND(network, "Remove all unused networks", plain_flags);
PRUNE_COMMAND(system, "Remove unused data", system_flags);
