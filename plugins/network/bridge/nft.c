/* SPDX-License-Identifier: Apache-2.0 */
/* The library stays loaded; a context per run, since it caches the ruleset. */
#include <dlfcn.h>
#include <nftables/libnftables.h>
#include <pthread.h>
#include <string.h>

#include "ground.h"
#include "helpers/buf.h"
#include "helpers/error.h"
#include "nft.h"

static struct {
	pthread_mutex_t lock;
	void *handle;
	struct nft_ctx *(*new)(uint32_t flags);
	int (*buffer_output)(struct nft_ctx *ctx);
	int (*buffer_error)(struct nft_ctx *ctx);
	const char *(*get_output)(struct nft_ctx *ctx);
	const char *(*get_error)(struct nft_ctx *ctx);
	void (*set_flags)(struct nft_ctx *ctx, unsigned int flags);
	int (*run)(struct nft_ctx *nft, const char *buf);
	void (*free)(struct nft_ctx *ctx);
} lib = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int load(struct gantry_error *err)
{
	const struct {
		const char *name;
		void *to;
	} symbols[] = {
		{ "nft_ctx_new", &lib.new },
		{ "nft_ctx_buffer_output", &lib.buffer_output },
		{ "nft_ctx_buffer_error", &lib.buffer_error },
		{ "nft_ctx_get_output_buffer", &lib.get_output },
		{ "nft_ctx_get_error_buffer", &lib.get_error },
		{ "nft_ctx_output_set_flags", &lib.set_flags },
		{ "nft_run_cmd_from_buffer", &lib.run },
		{ "nft_ctx_free", &lib.free },
	};
	void *handle;

	if (lib.handle) {
		return 0;
	}
	handle = dlopen("libnftables.so.1", RTLD_LAZY | RTLD_LOCAL);
	if (!handle) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "cannot load libnftables: %s", dlerror());
		return error_hint(err, "install the package libnftables1");
	}
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		*(void **)symbols[i].to = dlsym(handle, symbols[i].name);
		if (!*(void **)symbols[i].to) {
			dlclose(handle);
			return error_set(err, GANTRY_ERR_UNSUPPORTED, "libnftables lacks %s",
					 symbols[i].name);
		}
	}
	lib.handle = handle;
	return 0;
}

/* nft's first line without its position: "Error: Could not process rule: No such ..." */
static int fail(const char *text, struct gantry_error *err)
{
	const char *start = strstr(text, "Error: ");
	int code = strstr(text, "No such file or directory") ? GANTRY_ERR_NOT_FOUND
		   : strstr(text, "File exists")             ? GANTRY_ERR_EXISTS
		   : strstr(text, "Operation not permitted") ? GANTRY_ERR_PERMISSION
							     : GANTRY_ERR_IO;

	start = start ? start + 7 : text;
	return error_set(err, code, "nftables: %.*s", (int)strcspn(start, "\n"), start);
}

static int run_locked(const char *commands, struct buf *ret_output, struct gantry_error *err)
{
	struct nft_ctx *ctx;
	int r = load(err);

	if (r < 0) {
		return r;
	}
	ctx = lib.new(NFT_CTX_DEFAULT);
	if (!ctx) {
		return error_no_memory(err);
	}
	lib.buffer_output(ctx);
	lib.buffer_error(ctx);
	if (ret_output) {
		lib.set_flags(ctx, NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_NUMERIC_ALL);
	}
	r = lib.run(ctx, commands);
	if (r != 0) {
		r = fail(lib.get_error(ctx), err);
	} else if (ret_output) {
		buf_adds(ret_output, lib.get_output(ctx));
		r = buf_failed(ret_output) ? error_no_memory(err) : 0;
	}
	lib.free(ctx);
	return r;
}

struct run {
	const char *commands;
	struct buf *output;
	struct gantry_error *err;
};

static int run_there(void *arg)
{
	struct run *run = arg;

	return run_locked(run->commands, run->output, run->err);
}

int nft_run(const char *commands, struct buf *ret_output, struct gantry_error *err)
{
	struct run run = { commands, ret_output, err };
	int r;

	pthread_mutex_lock(&lib.lock);
	r = ground_run(run_there, &run);
	pthread_mutex_unlock(&lib.lock);
	/* the thread could not be started, or could not enter */
	return r < 0 && !err->code ? error_errno(err, -r, "cannot enter the network namespace") : r;
}
