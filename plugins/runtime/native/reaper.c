/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "reaper.h"

/* The program, put in by the assembler; the Makefile names the file. */
__asm__(".section .rodata\n"
	".balign 16\n"
	"reaper_image:\n"
	".incbin \"" REAPER_IMAGE "\"\n"
	"reaper_image_end:\n"
	".previous\n");
extern const char reaper_image[], reaper_image_end[];

int reaper_open(struct gantry_error *err)
{
	auto_fd int fd = memfd_create("gantry-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return error_errno(err, errno, "cannot create the small init");
	r = write_all(fd, reaper_image, (size_t)(reaper_image_end - reaper_image));
	if (r < 0)
		return error_errno(err, -r, "cannot write the small init");
	if (fchmod(fd, 0555) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return error_errno(err, errno, "cannot seal the small init");
	return steal_fd(&fd);
}
