/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp_default.h"

/* Put in by the assembler; the Makefile names the file. */
__asm__(".section .rodata\n"
	".globl seccomp_default_profile\n"
	".hidden seccomp_default_profile\n"
	"seccomp_default_profile:\n"
	".incbin \"" SECCOMP_DEFAULT_FILE "\"\n"
	".byte 0\n"
	".previous\n");
