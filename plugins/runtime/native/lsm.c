/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/io.h>

#include "lsm.h"
#include "spec.h"

/* Without /sys to ask, what /proc shows counts: better an error than no label. */
static bool has_apparmor(void)
{
	auto_(buf) struct buf text = BUF_INIT;

	if (read_file(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", &text, 16) == 0)
		return buf_str(&text)[0] == 'Y';
	return access("/proc/self/attr/apparmor", F_OK) == 0;
}

static bool has_selinux(void)
{
	auto_(buf) struct buf text = BUF_INIT;

	return read_file(AT_FDCWD, "/proc/filesystems", &text, 1 << 16) < 0 ||
	       strstr(buf_str(&text), "selinuxfs");
}

static bool is_set(const char *label)
{
	return label && label[0];
}

bool lsm_drop_labels(struct process_spec *p, struct spec *s, char *text, size_t size)
{
	bool dropped = false;

	if (is_set(p->apparmor_profile) && !has_apparmor()) {
		p->apparmor_profile = NULL;
		snprintf(text, size, "process.apparmorProfile: this kernel has no AppArmor");
		dropped = true;
	}
	if ((is_set(p->selinux_label) || (s && is_set(s->mount_label))) && !has_selinux()) {
		p->selinux_label = NULL;
		if (s)
			s->mount_label = NULL;
		snprintf(text, size, "process.selinuxLabel and linux.mountLabel: this kernel has no "
				     "SELinux");
		dropped = true;
	}
	return dropped;
}
