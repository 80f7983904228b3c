/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of CRIU's RPC (protocol buffers, version 2) as far as the runtime
 * needs them: requests are written field by field, answers are read into a struct.
 */
#ifndef NATIVE_CRIU_MESSAGE_H
#define NATIVE_CRIU_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;

enum criu_type {
	CRIU_EMPTY = 0,
	CRIU_DUMP = 1,
	CRIU_RESTORE = 2,
	CRIU_PRE_DUMP = 4,
	CRIU_NOTIFY = 6,
};

/* Numbers of the fields of criu_opts. */
enum criu_opt {
	CRIU_OPT_IMAGES_DIR_FD = 1,
	CRIU_OPT_PID = 2,
	CRIU_OPT_LEAVE_RUNNING = 3,
	CRIU_OPT_EXT_UNIX_SK = 4,
	CRIU_OPT_TCP_ESTABLISHED = 5,
	CRIU_OPT_EVASIVE_DEVICES = 6,
	CRIU_OPT_SHELL_JOB = 7,
	CRIU_OPT_FILE_LOCKS = 8,
	CRIU_OPT_LOG_LEVEL = 9,
	CRIU_OPT_LOG_FILE = 10,
	CRIU_OPT_PAGE_SERVER = 11,
	CRIU_OPT_NOTIFY_SCRIPTS = 12,
	CRIU_OPT_ROOT = 13,
	CRIU_OPT_PARENT_IMG = 14,
	CRIU_OPT_TRACK_MEM = 15,
	CRIU_OPT_AUTO_DEDUP = 16,
	CRIU_OPT_WORK_DIR_FD = 17,
	CRIU_OPT_LINK_REMAP = 18,
	CRIU_OPT_EXT_MNT = 23,
	CRIU_OPT_RST_SIBLING = 26,
	CRIU_OPT_INHERIT_FD = 27,
	CRIU_OPT_MANAGE_CGROUPS_MODE = 34,
	CRIU_OPT_EXTERNAL = 37,
	CRIU_OPT_EMPTY_NS = 38,
	CRIU_OPT_JOIN_NS = 39,
	CRIU_OPT_FREEZE_CGROUP = 44,
	CRIU_OPT_TCP_SKIP_IN_FLIGHT = 46,
	CRIU_OPT_LAZY_PAGES = 48,
	CRIU_OPT_ORPHAN_PTS_MASTER = 50,
	CRIU_OPT_CONFIG_FILE = 51,
	CRIU_OPT_TCP_CLOSE = 52,
	CRIU_OPT_LSM_PROFILE = 53,
	CRIU_OPT_LSM_MOUNT_CONTEXT = 63,
	CRIU_OPT_NETWORK_LOCK = 64,
};

struct criu_answer {
	uint32_t type; /* enum criu_type */
	bool success;
	int32_t error;      /* an errno, 0: none told */
	int32_t pid;        /* of the restored process, or of a notification */
	char script[32];    /* a notification's name */
	char message[256];  /* what went wrong */
};

/* Fields of a message that is being written. */
void criu_put_int(struct buf *out, unsigned int field, int64_t value);
void criu_put_text(struct buf *out, unsigned int field, const char *value);
void criu_put_message(struct buf *out, unsigned int field, const struct buf *value);
/* A message of two fields: {1: key, 2: value}. */
void criu_put_pair(struct buf *out, unsigned int field, const char *key, const char *value);
void criu_put_fd(struct buf *out, unsigned int field, const char *key, int fd);

/* Reads an answer; unknown fields are passed over.  -EBADMSG when it is none. */
int criu_answer_parse(const void *data, size_t len, struct criu_answer *ret);

#endif
