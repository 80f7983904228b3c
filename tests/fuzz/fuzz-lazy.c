/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that are read in place.  The first byte says what the rest is: i: an index (its sum is
 * repaired), e, z: a table of contents of eStargz or zstd:chunked, p: one packed, with its
 * footer, s: a layer that is read through (checksums of tar headers are repaired).  What opens or is
 * built must answer all questions, and decode to what was read.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check_index.h"
#include "core/content/digest.h"
#include "core/lazy/build.h"
#include "core/lazy/toc.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "fuzz-lazy: %s\n", what);
		abort();
	}
}

static void open_index(int fd, const char *digest, int must_open)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *wrong = NULL;
	struct index x;
	int r = index_open(fd, digest, &x, &err);

	must(r == err.code, "a code is not the error's");
	must(r == 0 || !must_open, err.message);
	if (r == 0) {
		wrong = check_index(&x, NULL, NULL);
		index_close(&x);
	}
	must(!wrong, wrong);
}

static void one_index(uint8_t *data, size_t size)
{
	auto_fd int fd = memfd_create("index", MFD_CLOEXEC);

	check_repair_sum(data, size);
	must(fd >= 0 && write_all(fd, data, size) == 0, "memfd");
	open_index(fd, NULL, 0);
}

static void one_table(enum toc_kind kind, const uint8_t *data, size_t size)
{
	static const char digest[] = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct toc toc = { .kind = kind, .digest = digest, .offset = 1 << 20, .size = 1 << 16 };
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_fd int fd = memfd_create("index", MFD_CLOEXEC);
	auto_(buf) struct buf json = BUF_INIT;
	struct build *b = NULL;
	int r;

	buf_add(&json, data, size);
	must(build_new(&b, &err) == 0, "build_new");
	r = toc_index(&toc, &json, b, &err);
	must(r == err.code, "a code is not the error's");
	if (r == 0) {
		must(build_write(b, digest, 1 << 21, fd, &err) == 0, err.message);
		open_index(fd, digest, 1);
	}
	build_free(b);
}

/* The digest is made to fit, so that what it guards is looked at. */
static void one_packed(const uint8_t *data, size_t size)
{
	struct toc toc = { .kind = TOC_ESTARGZ, .digest = "" };
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf json = BUF_INIT;

	if (size > TOC_FOOTER && toc_read_footer(&toc, data + size - TOC_FOOTER, (int64_t)size) == 0) {
		must(toc.offset > 0 && toc.size > 0 && toc.offset + toc.size + TOC_FOOTER == (int64_t)size,
		     "a footer leads outside");
		(void)toc_unpack(&toc, data + toc.offset, (size_t)toc.size, &json, &err);
	} else {
		char digest[DIGEST_SIZE];

		must(digest_of(data, size, digest, &err) == 0, "digest");
		toc = (struct toc){ TOC_ZSTD_CHUNKED, digest, 1, (int64_t)size, 4096 };
		(void)toc_unpack(&toc, data, size, &json, &err);
	}
}

static void repair_checksums(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 512 <= size; at += 512) {
		uint8_t *h = data + at;
		unsigned sum = 0;

		if (memcmp(h + 257, "ustar", 5) != 0) {
			continue;
		}
		memset(h + 148, ' ', 8);
		for (int i = 0; i < 512; i++) {
			sum += h[i];
		}
		for (int i = 5; i >= 0; i--, sum >>= 3) {
			h[148 + i] = (uint8_t)('0' + (sum & 7));
		}
		h[154] = '\0';
	}
}

static void one_layer(uint8_t *data, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *wrong;

	repair_checksums(data, size);
	must(check_layer(data, size, &wrong, &err) == err.code || wrong, "a code is not the error's");
	must(!wrong, wrong);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free uint8_t *copy = malloc(size ? size : 1);

	must(copy != NULL, "memory");
	if (size < 1) {
		return 0;
	}
	size--;
	memcpy(copy, data + 1, size);
	switch (data[0]) {
	case 'i':
		one_index(copy, size);
		break;
	case 'e':
		one_table(TOC_ESTARGZ, copy, size);
		break;
	case 'z':
		one_table(TOC_ZSTD_CHUNKED, copy, size);
		break;
	case 'p':
		one_packed(copy, size);
		break;
	default:
		one_layer(copy, size);
		break;
	}
	return 0;
}
