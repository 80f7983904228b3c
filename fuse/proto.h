/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's FUSE protocol: <linux/fuse.h>, and the parts of newer kernels
 * that a distribution's header lacks.  gantry-unionfs speaks the protocol
 * itself, because passthrough, O_TMPFILE, syncfs and taking over a mount from a
 * dead server are not in the libfuse of long-term distributions, and libfuse
 * takes one lock of the whole session twice for every request.
 */
#ifndef FUSE_PROTO_H
#define FUSE_PROTO_H

#include <stdint.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>

#ifndef FUSE_DIRECT_IO_ALLOW_MMAP
#define FUSE_DIRECT_IO_ALLOW_MMAP (1ULL << 36)
#endif
#ifndef FUSE_PASSTHROUGH
#define FUSE_PASSTHROUGH (1ULL << 37)
#define FUSE_NO_EXPORT_SUPPORT (1ULL << 38)
#define FUSE_HAS_RESEND (1ULL << 39)
#define FOPEN_PASSTHROUGH (1 << 7)
#endif
#ifndef FUSE_UNIQUE_RESEND
#define FUSE_UNIQUE_RESEND (1ULL << 63)
#endif
#define PROTO_NOTIFY_RESEND 7
#define PROTO_NOTIFY_PRUNE 9 /* 7.45 */
#ifndef FOPEN_PARALLEL_DIRECT_WRITES
#define FOPEN_PARALLEL_DIRECT_WRITES (1 << 6)
#endif

#define PROTO_OP_COPY_FILE_RANGE_64 53

/* The reply to INIT as of 7.40; older kernels read the prefix they know. */
struct proto_init_out {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran;
	uint16_t max_pages;
	uint16_t map_alignment;
	uint32_t flags2;
	uint32_t max_stack_depth;
	uint32_t unused[6];
};

/* The reply to OPEN with the backing file in what used to be padding. */
struct proto_open_out {
	uint64_t fh;
	uint32_t open_flags;
	int32_t backing_id;
};

/* Followed by the node ids. */
struct proto_notify_prune_out {
	uint32_t count;
	uint32_t padding;
	uint64_t spare;
};

struct proto_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};

#define PROTO_IOC_BACKING_OPEN _IOW(FUSE_DEV_IOC_MAGIC, 1, struct proto_backing_map)
#define PROTO_IOC_BACKING_CLOSE _IOW(FUSE_DEV_IOC_MAGIC, 2, uint32_t)

#endif
