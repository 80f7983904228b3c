/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/config/config.h"
#include "cli/image_name.h"
#include "cli/terminal/progress.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int stream_progress(struct cli *cli, const char *target, const char *auth, int quiet,
			   int to_stderr, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	struct client_request request = { .method = "POST",
					  .target = target,
					  .registry_auth = auth,
					  .want = CLIENT_STREAM };
	struct progress_options options = { .fd = to_stderr ? STDERR_FILENO : STDOUT_FILENO,
					    .quiet = quiet };
	int r = api_send(cli, &request, &response, err);

	r = r < 0 ? r : api_check(&response, err);
	return r < 0 ? r : progress_show(&response.stream, &options, err);
}

struct pull_options {
	const char *platform;
	int all_tags, lazy, quiet, to_stderr;
};

static int pull(struct cli *cli, const struct image_name *ref, const char *reference,
		const struct pull_options *options, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	auto_free char *auth = NULL;
	int r;

	buf_adds(&target, "/images/create");
	target_add(&target, "fromImage", ref->name);
	if (ref->digest[0]) {
		target_add(&target, "tag", ref->digest);
	} else if (!options->all_tags) {
		target_add(&target, "tag", ref->tag[0] ? ref->tag : "latest");
	}
	target_add(&target, "platform", options->platform);
	target_add(&target, "lazy", options->lazy ? "1" : NULL);
	r = credentials_header(cli, reference, &auth, err);
	return r < 0 ? r : stream_progress(cli, buf_str(&target), auth, options->quiet,
					   options->to_stderr, err);
}

int image_pull(struct cli *cli, const char *reference, const char *platform, int lazy, int quiet,
	       int to_stderr, struct gantry_error *err)
{
	struct pull_options options = { platform, 0, lazy, quiet, to_stderr };
	struct image_name ref;
	int r = image_name_parse(reference, &ref, err);

	return r < 0 ? r : pull(cli, &ref, reference, &options, err);
}

static int command_pull(struct cli *cli, struct args *args, struct gantry_error *err)
{
	const char *text = args->argv[0];
	int all = args_bool(args, "all-tags", 0), quiet = args_bool(args, "quiet", 0);
	const char *platform = args_string(args, "platform");
	struct pull_options options = {
		.platform = platform ? platform : getenv("DOCKER_DEFAULT_PLATFORM"),
		.all_tags = all,
		.lazy = args_bool(args, "lazy", 0),
		.quiet = quiet,
	};
	struct image_name ref;
	int r = image_name_parse(text, &ref, err);

	if (r < 0) {
		return r;
	}
	if (all && (ref.tag[0] || ref.digest[0])) {
		return error_set(err, GANTRY_ERR_INVALID, "tag can't be used with --all-tags/-a");
	}
	if (!all && !ref.tag[0] && !ref.digest[0] && !quiet) {
		printf("Using default tag: latest\n");
	}
	r = pull(cli, &ref, text, &options, err);
	if (r < 0) {
		return r;
	}
	if (all) {
		printf("%s\n", ref.name);
	} else if (ref.digest[0]) {
		printf("%s@%s\n", ref.name, ref.digest);
	} else {
		printf("%s:%s\n", ref.name, ref.tag[0] ? ref.tag : "latest");
	}
	return CLI_EXIT_OK;
}

static int command_push(struct cli *cli, struct args *args, struct gantry_error *err)
{
	int all = args_bool(args, "all-tags", 0), quiet = args_bool(args, "quiet", 0);
	auto_(buf) struct buf target = BUF_INIT;
	auto_free char *auth = NULL;
	struct image_name ref;
	int r = image_name_parse(args->argv[0], &ref, err);

	if (r < 0) {
		return r;
	}
	if (all && ref.tag[0]) {
		return error_set(err, GANTRY_ERR_INVALID, "tag can't be used with --all-tags/-a");
	}
	if (!all && !ref.tag[0]) {
		strcpy(ref.tag, "latest");
		if (!quiet) {
			printf("Using default tag: latest\n");
		}
	}
	target_set(&target, "/images/%s/push", ref.name);
	target_add(&target, "tag", all ? NULL : ref.tag);
	r = credentials_header(cli, args->argv[0], &auth, err);
	/* The engine wants the header even when there is no login. */
	r = r < 0 ? r : stream_progress(cli, buf_str(&target), auth ? auth : "e30=", quiet, 0, err);
	if (r == 0 && quiet) {
		printf(all ? "%s\n" : "%s:%s\n", ref.name, ref.tag);
	}
	return r;
}

static const struct flag pull_flags[] = {
	{ FLAG_BOOL, 'a', "all-tags", "Download all tags of the repository", NULL, 0 },
	{ FLAG_BOOL, 0, "disable-content-trust", "Accepted and ignored", "true", 1 },
	{ FLAG_BOOL, 0, "lazy", "Leave layers packed; fetch them as they are read where they allow it", NULL,
	  0 },
	{ FLAG_STRING, 0, "platform", "Platform of the image", NULL, 0 },
	{ FLAG_BOOL, 'q', "quiet", "Print only the name", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag push_flags[] = {
	{ FLAG_BOOL, 'a', "all-tags", "Push all tags of the repository", NULL, 0 },
	{ FLAG_BOOL, 0, "disable-content-trust", "Accepted and ignored", "true", 1 },
	{ FLAG_BOOL, 'q', "quiet", "Print only the name", NULL, 0 },
	{ FLAG_NONE },
};

const struct command pull_command = {
	.name = "pull",
	.category = "Common Commands",
	.summary = "Download an image from a registry",
	.usage = "[OPTIONS] NAME[:TAG|@DIGEST]",
	.aliases = "image pull, pull",
	.min_args = 1,
	.max_args = 1,
	.flags = pull_flags,
	.run = command_pull,
};

const struct command push_command = {
	.name = "push",
	.category = "Common Commands",
	.summary = "Upload an image to a registry",
	.usage = "[OPTIONS] NAME[:TAG]",
	.aliases = "image push, push",
	.min_args = 1,
	.max_args = 1,
	.flags = push_flags,
	.run = command_push,
};
