/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "helpers/io.h"
#include "tar_maker.h"

static void put_octal(char *to, int digits, uint64_t value)
{
	while (digits-- > 0) {
		to[digits] = (char)('0' + (value & 7));
		value >>= 3;
	}
}

static void add_header(struct buf *tar, const struct tar_entry *e, const char *name, char type,
		       uint64_t size)
{
	char h[512] = { 0 };
	unsigned int sum = 0;
	unsigned int mode = e->mode ? e->mode : type == '5' ? 0755 : 0644;

	memcpy(h, name, strnlen(name, 100));
	put_octal(h + 100, 7, mode);
	put_octal(h + 108, 7, e->uid);
	put_octal(h + 116, 7, e->gid);
	put_octal(h + 124, 11, size);
	put_octal(h + 136, 11, e->mtime);
	memset(h + 148, ' ', 8);
	h[156] = type;
	if (e->link)
		memcpy(h + 157, e->link, strnlen(e->link, 100));
	memcpy(h + 257, "ustar\00000", 8);
	put_octal(h + 329, 7, e->major);
	put_octal(h + 337, 7, e->minor);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	put_octal(h + 148, 6, sum);
	h[154] = '\0';
	buf_add(tar, h, sizeof(h));
}

static void add_data(struct buf *tar, const char *data, size_t len)
{
	static const char zeros[512];

	buf_add(tar, data, len);
	if (len % 512)
		buf_add(tar, zeros, 512 - len % 512);
}

/* "LEN key=value\n", where LEN counts itself. */
static void add_record(struct buf *to, const char *key, const char *value)
{
	size_t len = strlen(key) + strlen(value) + 3;
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%zu", len);

	if (snprintf(digits, sizeof(digits), "%zu", len + (size_t)n) != n)
		n++;
	buf_addf(to, "%zu %s=%s\n", len + (size_t)n, key, value);
}

void tar_add_entry(struct buf *tar, const struct tar_entry *e)
{
	struct buf pax = BUF_INIT;
	size_t len = e->data ? strlen(e->data) : 0;

	if (e->mtime_pax)
		add_record(&pax, "mtime", e->mtime_pax);
	if (e->xattr) {
		char key[256];
		const char *eq = strchr(e->xattr, '=');

		snprintf(key, sizeof(key), "SCHILY.xattr.%.*s", (int)(eq - e->xattr), e->xattr);
		add_record(&pax, key, eq + 1);
	}
	if (strlen(e->name) > 100)
		add_record(&pax, "path", e->name);
	if (pax.len) {
		add_header(tar, e, "PaxHeaders/x", 'x', pax.len);
		add_data(tar, pax.data, pax.len);
	}
	add_header(tar, e, e->name, e->type ? e->type : '0', e->size ? e->size : len);
	add_data(tar, e->data, len);
	buf_done(&pax);
}

void tar_end(struct buf *tar)
{
	static const char zeros[1024];

	buf_add(tar, zeros, sizeof(zeros));
}

int tar_fd(const struct buf *tar)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);

	if (fd < 0 || write_all(fd, tar->data, tar->len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return fd;
}
