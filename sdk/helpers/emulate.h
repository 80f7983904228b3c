/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime and the emulator agree on.  The runtime installs the filter in the
 * container's process and hands its listener to the emulator's socket, with one byte
 * of text beside it; whichever process of the container then makes one of the calls
 * waits until the emulator has answered.  Both are told by annotations of the
 * container's configuration.
 */
#ifndef HELPERS_EMULATE_H
#define HELPERS_EMULATE_H

#include <string.h>

#define EMULATE_ANNOTATION "org.gantry.emulation"              /* a level, or "off" */
#define EMULATE_SOCKET_ANNOTATION "org.gantry.emulation.socket" /* where the emulator listens */

/* Host sockets: "connect" for a container that publishes nothing, else "accept", which
 * is both; absent: none.  The filter then asks about these calls, too. */
#define EMULATE_SOCKETS_ANNOTATION "org.gantry.sockets"

/* What a connection to the emulator begins with: one listener of a filter, or the plan
 * of the container's networks as text up to the end, answered by '+' or '-'. */
#define EMULATE_LISTENER 'L'
#define EMULATE_PLAN 'P'

/* A process's identity is kept where the kernel keeps what children inherit and no
 * program looks at: in the soft limit of this resource, which Linux has not used
 * since 2.4.  RLIM_INFINITY is the identity that the kernel shows. */
#define EMULATE_TAG_RESOURCE 10 /* RLIMIT_LOCKS */

enum emulate_level {
	EMULATE_OFF = 0,
	EMULATE_RECORD,     /* calls succeed and are remembered */
	EMULATE_CONSISTENT, /* and the stat family tells what was remembered */
};

enum emulate_sockets {
	EMULATE_NO_SOCKETS = 0,
	EMULATE_CONNECT,
	EMULATE_ACCEPT,
};

/* What a container's filter asks about. */
struct emulation {
	enum emulate_level ids;
	enum emulate_sockets sockets;
};

static inline int emulation_is_on(const struct emulation *e)
{
	return e->ids != EMULATE_OFF || e->sockets != EMULATE_NO_SOCKETS;
}

/* -1 for a text that is no level. */
static inline int emulate_level(const char *text)
{
	if (!strcmp(text, "off"))
		return EMULATE_OFF;
	if (!strcmp(text, "record"))
		return EMULATE_RECORD;
	return !strcmp(text, "consistent") ? EMULATE_CONSISTENT : -1;
}

#endif
