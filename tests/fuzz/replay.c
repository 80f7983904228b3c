/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without a fuzzer: over each file named, then over random
 * changes of these.  With clang, tests/fuzz/long links the target with -fsanitize=fuzzer
 * instead, and this file is empty.
 * $FUZZ_ROUNDS says how many changes are tried (20000).
 */
#ifndef LIBFUZZER
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/io.h"

#define MAX_INPUT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const char *data, size_t size)
{
	/* An exact copy, so that a sanitizer sees each byte read past the end. */
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy) {
		abort();
	}
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void change(struct buf *b, unsigned *seed)
{
	static const char *const bits[] = { "%", "%0", "\"", "{", "[", "\\", "\r\n", "\n", "0", "=",
					    "&", "/", ":", "ffffffffffffffff" };
	size_t at = b->len ? (size_t)rand_r(seed) % b->len : 0;
	const char *bit = bits[(size_t)rand_r(seed) % (sizeof(bits) / sizeof(bits[0]))];
	size_t len = strlen(bit);

	switch (rand_r(seed) % 4) {
	case 0:
		if (b->len) {
			b->data[at] = (char)rand_r(seed);
		}
		break;
	case 1:
		b->len = at;
		break;
	case 2:
		if (at + len <= b->len) {
			memcpy(b->data + at, bit, len);
		}
		break;
	default:
		buf_add(b, bit, len);
	}
}

int main(int argc, char **argv)
{
	const char *rounds = getenv("FUZZ_ROUNDS");
	long n = rounds ? atol(rounds) : 20000;
	unsigned seed = 1;

	for (int i = 1; i < argc; i++) {
		struct buf file = BUF_INIT;

		if (read_file(AT_FDCWD, argv[i], &file, MAX_INPUT) < 0) {
			fprintf(stderr, "cannot read %s\n", argv[i]);
			return EXIT_FAILURE;
		}
		run(buf_str(&file), file.len);
		for (long round = 0; round < n / argc; round++) {
			struct buf copy = BUF_INIT;

			buf_add(&copy, buf_str(&file), file.len);
			for (int k = rand_r(&seed) % 4; k >= 0; k--) {
				change(&copy, &seed);
			}
			run(buf_str(&copy), copy.len);
			buf_done(&copy);
		}
		buf_done(&file);
	}
	return EXIT_SUCCESS;
}
#endif
