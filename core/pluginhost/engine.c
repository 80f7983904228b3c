/* SPDX-License-Identifier: Apache-2.0 */
/* A function of an operation table is not told which one it is, so there is one per
 * number; what they do is the same. */
#include <string.h>

#include "core/pluginhost/services.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"

static int request(struct host_services *s, unsigned number, const void *args, struct gantry_reply *reply,
		   struct gantry_error *err)
{
	const struct gantry_op *op = &interface_engine.ops[number];
	auto_(buf) struct buf name = BUF_INIT;

	buf_addf(&name, "engine.%s", op->name);
	return services_request(s, buf_str(&name), op, args, reply, err);
}

#define ONE(n)                                                                           \
	static int call_##n(void *self, const void *args, struct gantry_reply *reply,     \
			    struct gantry_error *err)                                     \
	{                                                                                 \
		return request(self, n, args, reply, err);                            \
	}
#define ROW(F, n) \
	F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) \
	F(n##8) F(n##9) F(n##a) F(n##b) F(n##c) F(n##d) F(n##e) F(n##f)
#define ALL(F) \
	ROW(F, 0x0) ROW(F, 0x1) ROW(F, 0x2) ROW(F, 0x3) ROW(F, 0x4) ROW(F, 0x5) ROW(F, 0x6) ROW(F, 0x7)

ALL(ONE)

void services_fill_engine(struct host_services *s)
{
#define NAME(n) call_##n,
	static const gantry_op_fn all[] = { ALL(NAME) };

	s->engine_ops.struct_size = sizeof(s->engine_ops);
	for (uint32_t i = 0; i < interface_engine.n_ops && i < ARRAY_SIZE(all); i++) {
		memcpy((char *)&s->engine_ops + interface_engine.ops[i].slot, &all[i], sizeof(all[i]));
	}
}
