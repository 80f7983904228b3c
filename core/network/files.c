/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/hosts, /etc/hostname, /etc/resolv.conf of containers.  On networks that users
 * made, containers find each other by name through their hosts files, which are
 * rewritten in place whenever somebody comes or goes: no resolver has to run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/network/network.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

static int write_in_place(const char *run_dir, const char *name, const char *text, size_t len,
			  struct gantry_error *err)
{
	auto_free char *path = path_join(run_dir, name, NULL);
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : write_all(fd, text, len);

	return r < 0 ? error_errno(err, -r, "cannot write %s", path) : 0;
}

static int copy_file(const char *from, const char *run_dir, const char *name,
		     struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r = read_file(AT_FDCWD, from, &text, 1 << 20);

	if (r < 0 && r != -ENOENT) {
		return error_errno(err, -r, "cannot read %s", from);
	}
	return write_in_place(run_dir, name, buf_str(&text), text.len, err);
}

/* The container's own addresses and names. */
static void add_self(const struct container *c, struct buf *out)
{
	struct json_object *networks = json_get_object(c->state, "Networks");
	const char *domain = json_get_string(container_config(c), "Domainname");
	char buffer[CONTAINER_HOSTNAME_MAX];
	const char *name = container_hostname(c, buffer);
	static const char *const keys[] = { "IPAddress", "GlobalIPv6Address" };

	if (!networks) {
		return;
	}
	json_object_object_foreach(networks, network, settings)
	{
		(void)network;
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			const char *ip = json_get_string(settings, keys[i]);

			if (ip && *ip) {
				buf_addf(out, "%s\t", ip);
				if (domain && *domain) {
					buf_addf(out, "%s.%s ", name, domain);
				}
				buf_addf(out, "%s\n", name);
			}
		}
	}
}

static int peer_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct buf *out = data;
	auto_json struct json_object *settings = NULL;
	struct json_object *names;
	const char *ip;
	int r = json_parse_object(db_column(row, 0), "endpoint", &settings, err);

	if (r < 0) {
		return r;
	}
	ip = json_get_string(settings, "IPAddress");
	names = json_get_array(settings, "DNSNames");
	if (ip && *ip && json_array_size(names)) {
		buf_adds(out, ip);
		for (size_t i = 0; i < json_array_size(names); i++) {
			buf_addf(out, "%s%s", i ? " " : "\t", json_item_string(names, i));
		}
		buf_addc(out, '\n');
	}
	return 0;
}

/* Who else is on the networks it shares with them; not on the default bridge, as
 * with Docker. */
static int add_peers(struct core *core, const struct container *c, struct buf *out,
		     struct gantry_error *err)
{
	return db_query(core->db, peer_row, out, err,
			"SELECT p.doc FROM endpoints mine JOIN endpoints p ON p.network=mine.network "
			"JOIN networks n ON n.id=mine.network "
			"WHERE mine.container=?1 AND n.name<>'bridge' ORDER BY p.rowid",
			"s", c->id);
}

static void add_extra(const struct container *c, struct buf *out)
{
	struct json_object *extra = json_get_array(container_host_config(c), "ExtraHosts");
	struct json_object *networks = json_get_object(c->state, "Networks");

	for (size_t i = 0; i < json_array_size(extra); i++) {
		const char *entry = json_item_string(extra, i);
		size_t n = strcspn(entry, ":=");
		const char *ip = entry[n] ? entry + n + 1 : "";

		if (!strcmp(ip, "host-gateway")) {
			ip = "";
			if (networks) {
				json_object_object_foreach(networks, name, settings)
				{
					(void)name;
					ip = *ip ? ip : json_get_string(settings, "Gateway");
				}
			}
		}
		if (ip && *ip) {
			buf_addf(out, "%s\t%.*s\n", ip, (int)n, entry);
		}
	}
}

static int write_hosts(struct core *core, const struct container *c, const char *run_dir,
		       struct gantry_error *err)
{
	auto_(buf) struct buf out = BUF_INIT;
	const char *mode = json_get_string(container_host_config(c), "NetworkMode");
	int r = 0;

	if (!strcmp(mode, "host")) {
		read_file(AT_FDCWD, "/etc/hosts", &out, 1 << 20);
	} else {
		buf_adds(&out, "127.0.0.1\tlocalhost\n"
			       "::1\tlocalhost ip6-localhost ip6-loopback\n"
			       "fe00::\tip6-localnet\nff00::\tip6-mcastprefix\n"
			       "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
	}
	add_extra(c, &out);
	if (network_wanted(c) && strcmp(mode, "none")) {
		add_self(c, &out);
		r = add_peers(core, c, &out, err);
	}
	return r < 0 ? r : write_in_place(run_dir, "hosts", buf_str(&out), out.len, err);
}

static void add_option_lines(struct buf *out, const char *keyword, struct json_object *list,
			     int one_line)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		buf_addf(out, "%s%s%s", i == 0 || !one_line ? keyword : "", " ", json_item_string(list, i));
		if (!one_line) {
			buf_addc(out, '\n');
		}
	}
	if (one_line && json_array_size(list)) {
		buf_addc(out, '\n');
	}
}

/* The host's, without what only works there: a resolver on its loopback. */
static void add_host_resolver(struct buf *out, int own_namespace, int keep_servers, int keep_search)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL;

	if (read_file(AT_FDCWD, "/etc/resolv.conf", &text, 1 << 20) < 0 || !text.data) {
		return;
	}
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int server = !strncmp(line, "nameserver", 10);
		int search = !strncmp(line, "search", 6) || !strncmp(line, "domain", 6);
		int loopback = server && (strstr(line, " 127.") || strstr(line, " ::1"));

		if ((server && !keep_servers) || (search && !keep_search) || (loopback && own_namespace)) {
			continue;
		}
		buf_addf(out, "%s\n", line);
	}
}

/* Where the host's own cannot be reached, a driver may know one. */
static struct json_object *driver_resolvers(const struct container *c)
{
	struct json_object *networks = json_get_object(c->state, "Networks");

	if (networks) {
		json_object_object_foreach(networks, name, settings)
		{
			struct json_object *dns = json_get_array(settings, "DNS");

			(void)name;
			if (json_array_size(dns)) {
				return dns;
			}
		}
	}
	return NULL;
}

static int write_resolver(struct core *core, const struct container *c, const char *run_dir,
			  struct gantry_error *err)
{
	struct json_object *hc = container_host_config(c);
	struct json_object *dns = json_get_array(hc, "Dns");
	struct json_object *search = json_get_array(hc, "DnsSearch");
	auto_(buf) struct buf out = BUF_INIT;

	if (!json_array_size(dns)) {
		dns = config_list(core->config, "network.dns");
	}
	if (!json_array_size(search)) {
		search = config_list(core->config, "network.dns_search");
	}
	add_host_resolver(&out, network_wanted(c), !json_array_size(dns), !json_array_size(search));
	if (!json_array_size(dns) && !strstr(buf_str(&out), "nameserver")) {
		dns = driver_resolvers(c);
	}
	add_option_lines(&out, "nameserver", dns, 0);
	add_option_lines(&out, "search", search, 1);
	add_option_lines(&out, "options", json_get_array(hc, "DnsOptions"), 1);
	return write_in_place(run_dir, "resolv.conf", buf_str(&out), out.len, err);
}

int network_write_files(struct core *core, struct container *c, const char *run_dir,
			struct gantry_error *err)
{
	const char *mode = json_get_string(container_host_config(c), "NetworkMode");
	char buffer[CONTAINER_HOSTNAME_MAX], line[300];
	int n, r;

	if (!strncmp(mode, "container:", 10)) {
		static const char *const files[] = { "hosts", "resolv.conf", "hostname" };
		auto_container struct container *other = NULL;
		auto_free char *theirs = NULL;

		r = container_find(core, mode + 10, &other, err);
		theirs = r == 0 ? container_run_dir(core, other->id) : NULL;
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
			auto_free char *from = path_join(theirs, files[i], NULL);

			r = copy_file(from, run_dir, files[i], err);
		}
		return r;
	}
	n = snprintf(line, sizeof(line), "%s\n", container_hostname(c, buffer));
	r = write_in_place(run_dir, "hostname", line, (size_t)n, err);
	if (r == 0) {
		r = write_hosts(core, c, run_dir, err);
	}
	return r < 0 ? r : write_resolver(core, c, run_dir, err);
}

struct peers {
	char (*ids)[65];
	size_t n;
};

static int peer_id_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct peers *p = data;
	char(*ids)[65] = realloc(p->ids, (p->n + 1) * sizeof(*ids));

	if (!ids) {
		return error_no_memory(err);
	}
	p->ids = ids;
	snprintf(p->ids[p->n++], 65, "%s", db_column(row, 0));
	return 0;
}

void network_refresh_peers(struct core *core, const char *network_id, const char *but_container)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct peers p = { 0 };

	(void)db_query(core->db, peer_id_row, &p, &ignored,
		       "SELECT e.container FROM endpoints e JOIN networks n ON n.id=e.network "
		       "WHERE e.network=? AND e.container<>? AND n.name<>'bridge'",
		       "ss", network_id, but_container);
	for (size_t i = 0; i < p.n; i++) {
		auto_container struct container *c = NULL;
		auto_free char *run_dir = container_run_dir(core, p.ids[i]);

		if (container_find(core, p.ids[i], &c, &ignored) == 0 && container_is_running(c)) {
			(void)write_hosts(core, c, run_dir, &ignored);
		}
	}
	free(p.ids);
}
