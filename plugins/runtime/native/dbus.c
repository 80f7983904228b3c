/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "dbus.h"

#define TIMEOUT_MS 30000
#define MESSAGE_LIMIT (1 << 20)
#define HEADER_SIZE 16
#define DESTINATION "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_MARK 'B'
#else
#define BYTE_ORDER_MARK 'l'
#endif

/* Header fields. */
enum {
	FIELD_PATH = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_ERROR_NAME = 4,
	FIELD_REPLY_SERIAL = 5,
	FIELD_DESTINATION = 6,
	FIELD_SIGNATURE = 8,
};

void dbus_align(struct buf *b, size_t align)
{
	while (b->len % align && !b->failed)
		buf_addc(b, '\0');
}

void dbus_put_u32(struct buf *b, uint32_t value)
{
	dbus_align(b, 4);
	buf_add(b, &value, sizeof(value));
}

void dbus_put_u64(struct buf *b, uint64_t value)
{
	dbus_align(b, 8);
	buf_add(b, &value, sizeof(value));
}

void dbus_put_string(struct buf *b, const char *text)
{
	size_t len = strlen(text);

	dbus_put_u32(b, (uint32_t)len);
	buf_add(b, text, len + 1);
}

void dbus_put_signature(struct buf *b, const char *text)
{
	size_t len = strlen(text);

	buf_addc(b, (char)len);
	buf_add(b, text, len + 1);
}

size_t dbus_begin_array(struct buf *b, size_t align)
{
	size_t mark;

	dbus_put_u32(b, 0);
	mark = b->len - sizeof(uint32_t);
	dbus_align(b, align);
	return mark;
}

/* The length does not count the padding before the first element. */
void dbus_end_array(struct buf *b, size_t mark, size_t align)
{
	size_t first = (mark + sizeof(uint32_t) + align - 1) / align * align;
	uint32_t len = (uint32_t)(b->len - first);

	if (!b->failed)
		memcpy(b->data + mark, &len, sizeof(len));
}

static void put_field(struct buf *b, char code, const char *signature, const char *value)
{
	dbus_align(b, 8);
	buf_addc(b, code);
	dbus_put_signature(b, signature);
	if (signature[0] == 'g')
		dbus_put_signature(b, value);
	else
		dbus_put_string(b, value);
}

static int send_call(struct dbus *d, const char *destination, const char *path,
		     const char *interface, const char *member, const char *signature,
		     const struct buf *body, struct gantry_error *err)
{
	auto_(buf) struct buf m = BUF_INIT;
	const char start[] = { BYTE_ORDER_MARK, DBUS_CALL, 0, 1 };
	size_t fields;
	int r;

	buf_add(&m, start, sizeof(start));
	dbus_put_u32(&m, body ? (uint32_t)body->len : 0);
	dbus_put_u32(&m, ++d->serial);
	fields = dbus_begin_array(&m, 8);
	put_field(&m, FIELD_PATH, "o", path);
	put_field(&m, FIELD_INTERFACE, "s", interface);
	put_field(&m, FIELD_MEMBER, "s", member);
	put_field(&m, FIELD_DESTINATION, "s", destination);
	if (signature)
		put_field(&m, FIELD_SIGNATURE, "g", signature);
	dbus_end_array(&m, fields, 8);
	dbus_align(&m, 8);
	if (body)
		buf_add(&m, body->data, body->len);
	if (buf_failed(&m) || (body && buf_failed(body)))
		return error_no_memory(err);
	r = write_all(d->fd, m.data, m.len);
	return r < 0 ? error_errno(err, -r, "cannot talk to systemd") : 0;
}

int dbus_send_call(struct dbus *d, const char *member, const char *signature,
		   const struct buf *body, struct gantry_error *err)
{
	return send_call(d, DESTINATION, MANAGER_PATH, MANAGER, member, signature, body, err);
}

/* Exactly len bytes, or an error. */
static int receive_exactly(const struct dbus *d, void *data, size_t len, struct gantry_error *err)
{
	size_t have = 0;

	while (have < len) {
		struct pollfd p = { .fd = d->fd, .events = POLLIN };
		int r = poll(&p, 1, TIMEOUT_MS);
		ssize_t n;

		if (r == 0)
			return error_set(err, GANTRY_ERR_TIMEOUT, "systemd does not answer");
		n = r < 0 ? r : read(d->fd, (char *)data + have, len - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno, "cannot hear from systemd");
		if (n == 0)
			return error_set(err, GANTRY_ERR_UNAVAILABLE, "systemd has hung up");
		have += (size_t)n;
	}
	return 0;
}

static bool read_u32(struct dbus_message *m, uint32_t *ret)
{
	m->at = (m->at + 3) / 4 * 4;
	if (m->at + sizeof(*ret) > m->data.len)
		return false;
	memcpy(ret, m->data.data + m->at, sizeof(*ret));
	m->at += sizeof(*ret);
	return true;
}

void dbus_skip_u32(struct dbus_message *m)
{
	uint32_t ignored;

	(void)read_u32(m, &ignored);
}

const char *dbus_read_string(struct dbus_message *m)
{
	const char *text;
	uint32_t len;

	if (!read_u32(m, &len) || len >= m->data.len || m->at + len >= m->data.len ||
	    m->data.data[m->at + len])
		return NULL;
	text = m->data.data + m->at;
	m->at += len + 1;
	return text;
}

/* One field of the header: a code and a variant of a simple type. */
static bool read_field(struct dbus_message *m)
{
	const char *p = m->data.data + m->at;
	const char *text = NULL;
	uint32_t number = 0;
	char kind;

	if (m->at + 4 > m->data.len || p[1] != 1 || p[3])
		return false;
	kind = p[2];
	m->at += 4;
	if (kind == 'u') {
		if (!read_u32(m, &number))
			return false;
	} else if (kind == 'g') {
		if (m->at >= m->data.len)
			return false;
		m->at += (size_t)(unsigned char)m->data.data[m->at] + 2;
	} else if ((kind != 's' && kind != 'o') || !(text = dbus_read_string(m))) {
		return false;
	}
	if (p[0] == FIELD_MEMBER)
		m->member = text;
	else if (p[0] == FIELD_ERROR_NAME)
		m->error_name = text;
	else if (p[0] == FIELD_REPLY_SERIAL)
		m->reply_to = number;
	return true;
}

static bool read_header(struct dbus_message *m, size_t fields)
{
	size_t end = HEADER_SIZE + fields;

	m->at = HEADER_SIZE;
	while (m->at < end) {
		if (!read_field(m))
			return false;
		m->at = (m->at + 7) / 8 * 8;
	}
	m->at = (end + 7) / 8 * 8;
	return m->at <= m->data.len;
}

int dbus_receive(struct dbus *d, struct dbus_message *ret, struct gantry_error *err)
{
	unsigned char start[HEADER_SIZE];
	uint32_t body, fields;
	size_t rest;
	char *to;
	int r = receive_exactly(d, start, sizeof(start), err);

	if (r < 0)
		return r;
	memcpy(&body, start + 4, sizeof(body));
	memcpy(&fields, start + 12, sizeof(fields));
	if (start[0] != BYTE_ORDER_MARK || body > MESSAGE_LIMIT || fields > MESSAGE_LIMIT)
		return error_set(err, GANTRY_ERR_INTERNAL, "systemd said nonsense");
	rest = ((size_t)fields + 7) / 8 * 8 + body;
	dbus_message_done(ret);
	buf_add(&ret->data, start, sizeof(start));
	to = buf_reserve(&ret->data, rest);
	if (!to)
		return error_no_memory(err);
	r = receive_exactly(d, to, rest, err);
	if (r < 0)
		return r;
	ret->data.len = sizeof(start) + rest;
	ret->type = start[1];
	return read_header(ret, fields) ? 0
					: error_set(err, GANTRY_ERR_INTERNAL, "systemd said nonsense");
}

void dbus_message_done(struct dbus_message *m)
{
	buf_done(&m->data);
	*m = (struct dbus_message)DBUS_MESSAGE_INIT;
}

/* Says who we are: the kernel tells the other side, we add nothing. */
static int authenticate(struct dbus *d, struct gantry_error *err)
{
	static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\n";
	static const char begin[] = "BEGIN\r\n";
	char text[256];
	size_t n = 0;
	int lines = 0, r;

	if ((r = write_all(d->fd, hello, sizeof(hello) - 1)) < 0)
		return error_errno(err, -r, "cannot talk to systemd");
	while (lines < 2) {
		if (n == sizeof(text) - 1)
			return error_set(err, GANTRY_ERR_INTERNAL, "systemd said nonsense");
		r = receive_exactly(d, text + n, 1, err);
		if (r < 0)
			return r;
		lines += text[n++] == '\n';
	}
	text[n] = '\0';
	if (!strstr(text, "OK "))
		return error_set(err, GANTRY_ERR_PERMISSION, "systemd does not know this user");
	r = write_all(d->fd, begin, sizeof(begin) - 1);
	return r < 0 ? error_errno(err, -r, "cannot talk to systemd") : 0;
}

/* Where a manager or its bus may listen, best first. */
static int connect_any(bool user, bool *ret_bus, struct gantry_error *err)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char bus[PATH_MAX] = "/run/dbus/system_bus_socket";
	char direct[PATH_MAX] = "/run/systemd/private";
	int fd;

	if (user && !dir)
		return error_set(err, GANTRY_ERR_UNAVAILABLE,
				 "cannot find this user's systemd: XDG_RUNTIME_DIR is not set");
	if (user) {
		snprintf(bus, sizeof(bus), "%s/bus", dir);
		snprintf(direct, sizeof(direct), "%s/systemd/private", dir);
		if (address && !strncmp(address, "unix:path=", 10))
			snprintf(bus, sizeof(bus), "%.*s", (int)strcspn(address + 10, ",;"),
				 address + 10);
	}
	*ret_bus = true;
	fd = unix_connect(bus);
	if (fd < 0) {
		*ret_bus = false;
		fd = unix_connect(direct);
	}
	if (fd >= 0)
		return fd;
	error_errno(err, -fd, "cannot connect to systemd at %s", bus);
	return error_hint(err, "--systemd-cgroup needs a running systemd");
}

/* Introduces us to the bus, and asks it for the manager's signals. */
static int join_bus(struct dbus *d, struct gantry_error *err)
{
	static const char bus[] = "org.freedesktop.DBus", path[] = "/org/freedesktop/DBus";
	auto_(buf) struct buf rule = BUF_INIT;
	int r = send_call(d, bus, path, bus, "Hello", NULL, NULL, err);

	if (r < 0)
		return r;
	dbus_put_string(&rule, "type='signal',interface='" MANAGER "',member='JobRemoved'");
	r = send_call(d, bus, path, bus, "AddMatch", "s", &rule, err);
	return r < 0 ? r : dbus_send_call(d, "Subscribe", NULL, NULL, err);
}

int dbus_connect(struct dbus *ret, bool user, struct gantry_error *err)
{
	auto_(dbus) struct dbus d = DBUS_INIT;
	bool bus;
	int r;

	d.fd = connect_any(user, &bus, err);
	if (d.fd < 0)
		return err->code;
	if ((r = authenticate(&d, err)) < 0 || (bus && (r = join_bus(&d, err)) < 0))
		return r;
	*ret = d;
	d.fd = -1;
	return 0;
}

void dbus_done(struct dbus *d)
{
	replace_fd(&d->fd, -1);
}
