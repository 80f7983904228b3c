/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/emulate/emulate.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* What the kernel passes may be longer than what this was compiled for. */
struct room {
	struct seccomp_notif *in;
	struct seccomp_notif_resp *out;
	size_t in_size, out_size;
};

static int make_room(struct room *ret)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	ret->in_size =
		sizes.seccomp_notif > sizeof(*ret->in) ? sizes.seccomp_notif : sizeof(*ret->in);
	ret->out_size = sizes.seccomp_notif_resp > sizeof(*ret->out) ? sizes.seccomp_notif_resp
								     : sizeof(*ret->out);
	ret->in = calloc(1, ret->in_size);
	ret->out = calloc(1, ret->out_size);
	return ret->in && ret->out ? 0 : -ENOMEM;
}

static void answer(const struct room *room, int listener)
{
	struct request rq = {
		.listener = listener,
		.id = room->in->id,
		.tid = (pid_t)room->in->pid,
		.nr = room->in->data.nr,
	};
	emulate_fn fn = emulate_find(rq.nr);
	int64_t r;

	memcpy(rq.args, room->in->data.args, sizeof(rq.args));
	r = fn ? fn(&rq) : ANSWER_CONTINUE;
	if (r == ANSWER_GIVEN)
		return;
	memset(room->out, 0, room->out_size);
	room->out->id = rq.id;
	if (r == ANSWER_CONTINUE)
		room->out->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (r < 0)
		room->out->error = (int)r;
	else
		room->out->val = r;
	/* nobody to hear it any more is no failure */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, room->out);
}

void emulate_serve(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	struct room room = {0};
	int ready = make_room(&room) == 0;

	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	while (ready) {
		int n = poll(&p, 1, -1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || !(p.revents & POLLIN))
			break; /* POLLHUP: nothing uses the filter */
		memset(room.in, 0, room.in_size);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, room.in) == 0)
			answer(&room, listener);
		else if (errno != EINTR && errno != ENOENT)
			break;
	}
	free(room.in);
	free(room.out);
}
