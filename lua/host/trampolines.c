/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operation's function knows its driver but not its own number, so there is
 * one small function for each number.
 */
#include <stddef.h>

#include "lua/host/host.h"

#define ONE(n)                                                                                  \
	static int call_##n(void *self, const void *args, struct gantry_reply *reply,           \
			    struct gantry_error *err)                                           \
	{                                                                                       \
		return instance_invoke(self, n, args, reply, err);                              \
	}
#define FOUR(a, b, c, d) ONE(a) ONE(b) ONE(c) ONE(d)

FOUR(0, 1, 2, 3)
FOUR(4, 5, 6, 7)
FOUR(8, 9, 10, 11)
FOUR(12, 13, 14, 15)
FOUR(16, 17, 18, 19)
FOUR(20, 21, 22, 23)
FOUR(24, 25, 26, 27)
FOUR(28, 29, 30, 31)

gantry_op_fn trampoline(unsigned op)
{
	static const gantry_op_fn all[] = {
		call_0,	 call_1,  call_2,  call_3,  call_4,  call_5,  call_6,  call_7,
		call_8,	 call_9,  call_10, call_11, call_12, call_13, call_14, call_15,
		call_16, call_17, call_18, call_19, call_20, call_21, call_22, call_23,
		call_24, call_25, call_26, call_27, call_28, call_29, call_30, call_31,
	};

	return op < sizeof(all) / sizeof(all[0]) ? all[op] : NULL;
}
