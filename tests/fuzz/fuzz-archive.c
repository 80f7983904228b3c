/* SPDX-License-Identifier: Apache-2.0 */
/* An image archive for `load`, as a file and, what is less likely to be a tar, as
 * it is. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/image_archive.h"
#include "helpers/io.h"
#include "helpers/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct archive_reader *r)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct archive_manifest m;
	auto_(reply) struct reply names = REPLY_INIT;
	const char *const *name;

	if (archive_reader_list(r, &names.base, &err) < 0) {
		return;
	}
	for (name = reply_list(&names, 0); *name; name++) {
		error_clear(&err);
		if (archive_reader_resolve(r, *name, &m, &err) == 0 &&
		    digest_matches(m.digest, m.data, m.size, &err) != 1) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int flavour = ARCHIVE_DOCKER; flavour <= ARCHIVE_OCI; flavour++) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		struct archive_reader *r = NULL;
		auto_fd int fd = memfd_create("archive", MFD_CLOEXEC);

		if (fd < 0 || write_all(fd, data, size) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
			abort();
		}
		if (archive_reader_open(NULL, fd, (enum archive_flavour)flavour, "/tmp", 1 << 20, &r, &err) == 0) {
			use(r);
			archive_reader_free(r);
		} else if (err.code >= 0 || !err.message[0]) {
			abort();
		}
	}
	return 0;
}
