/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client/client.h"
#include "cli/config/config.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const char *set_env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* A file of the certificate folder; the caller frees it. */
static char *certificate_file(struct cli *cli, const char *given, const char *name)
{
	auto_(buf) struct buf path = BUF_INIT;
	auto_free char *dir = NULL;

	if (given) {
		return strdup(given);
	}
	if (set_env("DOCKER_CERT_PATH")) {
		dir = strdup(getenv("DOCKER_CERT_PATH"));
	} else {
		dir = user_config_dir(cli);
	}
	buf_addf(&path, "%s/%s", dir ? dir : ".", name);
	if (access(buf_str(&path), R_OK) < 0) {
		return NULL;
	}
	return buf_steal(&path);
}

static int tls_from_flags(struct cli *cli, struct client_options *o)
{
	o->tls.verify = cli->tls_verify || set_env("DOCKER_TLS_VERIFY") != NULL;
	o->use_tls = o->tls.verify || cli->tls || set_env("DOCKER_TLS") != NULL ||
		     strncmp(o->host, "https://", 8) == 0;
	if (o->use_tls) {
		/* They live as long as the client, to the end of the process. */
		o->tls.ca = certificate_file(cli, cli->tls_ca, "ca.pem");
		o->tls.cert = certificate_file(cli, cli->tls_cert, "cert.pem");
		o->tls.key = certificate_file(cli, cli->tls_key, "key.pem");
	}
	return 0;
}

struct client *cli_client(struct cli *cli, struct gantry_error *err)
{
	struct client_options o = { .root = cli->root, .run_root = cli->run_root,
				    .will_start = cli->will_start };

	if (cli->client) {
		return cli->client;
	}
	o.host = cli->host ? cli->host : set_env("GANTRY_HOST");
	o.host = o.host ? o.host : set_env("DOCKER_HOST");
	if (o.host && (cli->root || cli->run_root) && !cli->host) {
		/* Naming a state directory means the engine in this process. */
		o.host = NULL;
	}
	if (o.host) {
		tls_from_flags(cli, &o);
	}
	if (client_open(&o, &cli->client, err) < 0) {
		return NULL;
	}
	return cli->client;
}

void cli_print_error(const struct gantry_error *err)
{
	fflush(stdout);
	fprintf(stderr, "%s\n", err->message);
	if (err->hint[0]) {
		fprintf(stderr, "hint: %s\n", err->hint);
	}
}
