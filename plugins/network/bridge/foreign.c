/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge.h"
#include "foreign.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "nft.h"

extern char **environ;

static const char *const families[] = { "ip", "ip6" };
static const char *const chains[] = { "DOCKER-USER", "FORWARD" };

#define MARK "gantry:"

/* The rules of a chain, with handles; an absent chain gives an empty text. */
static void list_chain(const char *family, const char *chain, struct buf *out)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char command[80];

	snprintf(command, sizeof(command), "list chain %s filter %s", family, chain);
	if (nft_run(command, out, &ignored) < 0) {
		buf_clear(out);
	}
}

static void allow_in(const struct bridge_driver *d, const char *family, const char *bridge)
{
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		struct gantry_error why = GANTRY_ERROR_INIT;
		auto_(buf) struct buf rules = BUF_INIT, commands = BUF_INIT;
		char mark[64];

		list_chain(family, chains[i], &rules);
		if (rules.len == 0) {
			continue;
		}
		snprintf(mark, sizeof(mark), "comment \"" MARK "%s\"", bridge);
		if (strstr(buf_str(&rules), mark)) {
			return;
		}
		/* An empty FORWARD that accepts needs no help. */
		if (!strcmp(chains[i], "FORWARD") && !strstr(buf_str(&rules), "policy drop") &&
		    !strstr(buf_str(&rules), "jump")) {
			return;
		}
		buf_addf(&commands, "insert rule %s filter %s iifname \"%s\" counter accept %s\n",
			 family, chains[i], bridge, mark);
		buf_addf(&commands, "insert rule %s filter %s oifname \"%s\" counter accept %s\n",
			 family, chains[i], bridge, mark);
		if (nft_run(buf_str(&commands), NULL, &why) < 0) {
			bridge_warn(d, "cannot allow %s in chain %s of table %s filter: %s", bridge,
				    chains[i], family, why.message);
		}
		return;
	}
}

/* Runs firewall-cmd and waits; its exit status or -1. */
static int firewall_cmd(const char *action, const char *bridge)
{
	char option[64];
	char zone[] = "--zone=trusted", name[] = "firewall-cmd", quiet[] = "--quiet";
	char *argv[] = { name, quiet, zone, option, NULL };
	pid_t child;
	int status;

	snprintf(option, sizeof(option), "--%s-interface=%s", action, bridge);
	if (posix_spawnp(&child, name, NULL, NULL, argv, environ) != 0) {
		return -1;
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR) {
			return -1;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int firewalld_runs(void)
{
	return access("/run/firewalld.pid", F_OK) == 0 || access("/run/firewalld", F_OK) == 0;
}

static void warn_about_legacy(const struct bridge_driver *d, const char *bridge)
{
	auto_(buf) struct buf names = BUF_INIT;

	if (read_file(AT_FDCWD, "/proc/net/ip_tables_names", &names, 4096) == 0 &&
	    strstr(buf_str(&names), "filter")) {
		bridge_warn(d, "this host uses iptables-legacy; if its FORWARD chain drops, run: "
			       "iptables-legacy -I FORWARD -i %s -j ACCEPT; "
			       "iptables-legacy -I FORWARD -o %s -j ACCEPT", bridge, bridge);
	}
}

void foreign_allow(const struct bridge_driver *d, const char *bridge)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		allow_in(d, families[i], bridge);
	}
	warn_about_legacy(d, bridge);
	if (firewalld_runs() && firewall_cmd("change", bridge) != 0) {
		bridge_warn(d, "cannot put %s into firewalld's zone trusted; forwarded packets may be "
			       "dropped: run firewall-cmd --zone=trusted --change-interface=%s", bridge,
			    bridge);
	}
}

/* Deletes the marked rules of one chain, found by "... comment "gantry:BR" # handle N". */
static void withdraw_from(const char *family, const char *chain, const char *bridge)
{
	auto_(buf) struct buf rules = BUF_INIT, commands = BUF_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char mark[64], *line, *save = NULL;

	list_chain(family, chain, &rules);
	if (rules.len == 0) {
		return;
	}
	snprintf(mark, sizeof(mark), "comment \"" MARK "%s\"", bridge);
	for (line = strtok_r(rules.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *handle = strstr(line, mark) ? strstr(line, "# handle ") : NULL;

		if (handle) {
			buf_addf(&commands, "delete rule %s filter %s handle %d\n", family, chain,
				 atoi(handle + strlen("# handle ")));
		}
	}
	if (commands.len) {
		(void)nft_run(buf_str(&commands), NULL, &ignored);
	}
}

void foreign_withdraw(const struct bridge_driver *d, const char *bridge)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(chains); k++) {
			withdraw_from(families[i], chains[k], bridge);
		}
	}
	if (firewalld_runs()) {
		(void)firewall_cmd("remove", bridge);
	}
}
