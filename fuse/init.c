/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse/init.h"
#include "fuse/proto.h"
#include "fuse/request.h"
#include "fuse/unionfs.h"

enum { MAX_BACKGROUND = 128, CONGESTION = 96, MAX_WRITE = 1 << 20 };

/* What is useful whatever the options are. */
static const uint64_t always = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_DONT_MASK |
			       FUSE_SPLICE_WRITE | FUSE_SPLICE_MOVE | FUSE_SPLICE_READ |
			       FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |
			       FUSE_CACHE_SYMLINKS | FUSE_NO_OPENDIR_SUPPORT |
			       FUSE_EXPLICIT_INVAL_DATA | FUSE_HANDLE_KILLPRIV_V2 |
			       FUSE_SETXATTR_EXT | FUSE_INIT_EXT | FUSE_NO_OPEN_SUPPORT |
			       FUSE_HAS_RESEND | FUSE_NO_EXPORT_SUPPORT;

static uint64_t wanted(const struct unionfs *fs)
{
	uint64_t want = always;

	if (!fs->opt.no_acl && !fs->opt.no_xattr)
		want |= FUSE_POSIX_ACL;
	if (fs->opt.readdirplus != OPT_OFF)
		want |= FUSE_DO_READDIRPLUS;
	if (fs->opt.readdirplus == OPT_AUTO)
		want |= FUSE_READDIRPLUS_AUTO;
	/* Both at once would be two caches of one file. */
	if (fs->opt.passthrough == OPT_ON)
		want |= FUSE_PASSTHROUGH;
	else if (fs->opt.writeback != OPT_OFF && !fs->opt.read_only)
		want |= FUSE_WRITEBACK_CACHE;
	return want;
}

int init_handle(struct request *rq)
{
	const struct fuse_init_in *in = (const struct fuse_init_in *)rq->arg;
	struct proto_init_out *out = (struct proto_init_out *)rq->out;
	struct unionfs *fs = rq->fs;
	uint64_t offered = in->flags, flags;

	if (in->flags & FUSE_INIT_EXT && rq->arg_len >= sizeof(*in))
		offered |= (uint64_t)in->flags2 << 32;
	flags = wanted(fs) & offered;
	memset(out, 0, sizeof(*out));
	out->major = FUSE_KERNEL_VERSION;
	out->minor = FUSE_KERNEL_MINOR_VERSION;
	/* Another major version: the kernel tries again with ours. */
	if (in->major > FUSE_KERNEL_VERSION)
		return sizeof(*out);
	out->max_readahead = in->max_readahead;
	out->flags = (uint32_t)flags;
	out->flags2 = (uint32_t)(flags >> 32);
	out->max_background = MAX_BACKGROUND;
	out->congestion_threshold = CONGESTION;
	out->max_write = MAX_WRITE;
	out->time_gran = 1;
	out->max_pages = MAX_WRITE / 4096;
	fs->settled->flags = flags;
	/* The backing files may themselves be on a stacked filesystem. */
	if (flags & FUSE_PASSTHROUGH)
		out->max_stack_depth = 1;
	fs->settled->passthrough = (flags & FUSE_PASSTHROUGH) != 0;
	fs->settled->no_open = (offered & FUSE_NO_OPEN_SUPPORT) && fs->opt.passthrough != OPT_ON;
	fs->settled->writeback = (flags & FUSE_WRITEBACK_CACHE) != 0;
	fs->settled->posix_acl = (flags & FUSE_POSIX_ACL) != 0;
	fs->settled->done = 1;
	return sizeof(*out);
}
