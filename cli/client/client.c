/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client/client.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

struct client {
	const struct client_ops *ops;
	void *self;
	char version[16];
	int version_fixed; /* by the environment, or after a daemon named its own */
};

void client_response_done(struct client_response *r)
{
	json_object_put(r->headers);
	buf_done(&r->body);
	stream_close(&r->stream);
	*r = (struct client_response)CLIENT_RESPONSE_INIT;
}

int client_open(const struct client_options *options, struct client **ret,
		struct gantry_error *err)
{
	const char *version = getenv("DOCKER_API_VERSION");
	auto_free struct client *client = calloc(1, sizeof(*client));
	int r;

	if (!client) {
		return error_no_memory(err);
	}
	client->ops = options->host ? &remote_ops : &inprocess_ops;
	client->version_fixed = version && *version;
	snprintf(client->version, sizeof(client->version), "%s",
		 client->version_fixed ? version : CLIENT_API_VERSION);
	r = options->host ? remote_open(options, &client->self, err)
			  : inprocess_open(options, &client->self, err);
	if (r < 0) {
		return r;
	}
	*ret = steal(&client);
	return 0;
}

struct client *client_close(struct client *client)
{
	if (client) {
		client->ops->close(client->self);
		free(client);
	}
	return NULL;
}

int client_is_remote(const struct client *client)
{
	return client->ops == &remote_ops;
}

const char *client_api_version(const struct client *client)
{
	return client->version;
}

/* An older daemon refuses the path and names the version it can do. */
static int take_daemon_version(struct client *client, const struct client_response *response)
{
	static const char mark[] = "Maximum supported API version is ";
	const char *at;

	if (client->version_fixed || response->status != 400) {
		return 0;
	}
	at = strstr(buf_str(&response->body), mark);
	if (!at || sscanf(at + sizeof(mark) - 1, "%15[0-9.]", client->version) != 1) {
		return 0;
	}
	client->version_fixed = 1;
	return 1;
}

int client_request(struct client *client, const struct client_request *request,
		   struct client_response *ret, struct gantry_error *err)
{
	int r = client->ops->request(client->self, client->version, request, ret, err);

	if (r == 0 && take_daemon_version(client, ret)) {
		client_response_done(ret);
		r = client->ops->request(client->self, client->version, request, ret, err);
	}
	return r;
}
