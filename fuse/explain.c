/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What will be settled is known before the kernel is asked, from the options and
 * from what the host says about itself.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/explain.h"
#include "fuse/layer.h"
#include "fuse/unionfs.h"

static void line(const char *feature, int on, const char *why)
{
	printf("%-20s %-4s %s\n", feature, on ? "on" : "off", why);
}

/* Linux major.minor as major * 1000 + minor; 0 when it cannot be told. */
static unsigned kernel_version(void)
{
	struct utsname u;
	unsigned major, minor;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major * 1000 + minor;
}

static void explain_kernel(const struct unionfs *fs)
{
	unsigned v = kernel_version();

	line("open without asking", fs->opt.passthrough != OPT_ON,
	     fs->opt.passthrough == OPT_ON ? "passthrough needs to be asked for every open" :
					     "files are opened and closed by the kernel alone");
	line("passthrough", fs->opt.passthrough == OPT_ON && fs->privileged && v >= 6009,
	     fs->opt.passthrough != OPT_ON ? "not asked for: -o passthrough=on" :
	     !fs->privileged		   ? "the kernel wants CAP_SYS_ADMIN on the host" :
	     v < 6009			   ? "needs Linux 6.9" :
				    "files of the upper layer are read and written directly");
	line("write-back cache", fs->opt.writeback != OPT_OFF && !fs->opt.read_only &&
	     fs->opt.passthrough != OPT_ON,
	     fs->opt.read_only			? "nothing is written" :
	     fs->opt.passthrough == OPT_ON	? "excludes passthrough" :
	     fs->opt.writeback == OPT_OFF	? "switched off" :
						  "small writes are collected; SEEK_HOLE sees no holes");
	line("readdirplus", fs->opt.readdirplus != OPT_OFF,
	     fs->opt.readdirplus == OPT_OFF	? "switched off" :
	     fs->opt.readdirplus == OPT_ON	? "names always come with attributes" :
						  "names come with attributes when they are used");
	line("take-over", !fs->opt.no_holder && v >= 6009,
	     fs->opt.no_holder ? "switched off: noholder" :
	     v < 6009 ? "requests in flight fail when a server dies; needs Linux 6.9" :
			"a server that dies is replaced, open files and all");
	line("read-ahead of 1 MiB", fs->privileged,
	     fs->privileged ? "set in sysfs" : "128 KiB: only root may change it");
}

static void explain_layers(const struct unionfs *fs)
{
	auto_fd int a = -1;
	auto_fd int b = -1;
	int reflink = 0;

	line("write", fs->work_fd >= 0,
	     fs->has_upper ? fs->work_fd >= 0 ? "an upper directory is given" : "mounted read-only" :
			     "there is no upper directory");
	line("trusted marks", !fs->format.user,
	     !fs->format.user		   ? "trusted.overlay.* attributes" :
	     fs->opt.userxattr == OPT_ON ? "user.overlay.* attributes: asked for" :
					   "user.overlay.* attributes: not root on the host");
	line("directory renames",
	     fs->opt.redirect_dir == OPT_ON ||
		     (fs->opt.redirect_dir == OPT_AUTO && !fs->format.user),
	     fs->opt.redirect_dir != OPT_AUTO ? "asked for" :
	     fs->format.user ? "the kernel follows no redirects in user.overlay.*: EXDEV, as there" :
			       "by redirects, as the kernel's overlayfs");
	line("stable inode numbers", 1,
	     fs->same_device ? "all layers are on one filesystem" :
			       "the filesystem's number is in the high bits");
	if (fs->work_fd >= 0) {
		a = openat(fs->work_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		b = openat(fs->work_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		reflink = a >= 0 && b >= 0 && pwrite(a, "x", 1, 4095) == 1 &&
			  ioctl(b, FICLONE, a) == 0;
		line("copy-up by reflink", reflink && fs->same_device,
		     reflink ? fs->same_device ? "the filesystem shares blocks" :
						 "layers are on different filesystems" :
			       "the filesystem cannot: copy_file_range is used");
	}
	line("fsync", fs->opt.sync, fs->opt.sync ? "reaches the disk" : "volatile, or fsync=0");
	line("POSIX ACLs", !fs->opt.no_acl && !fs->opt.no_xattr,
	     fs->opt.no_acl || fs->opt.no_xattr ? "noacl or noxattrs" : "checked by the kernel");
	line("owners in an xattr", fs->opt.xattr_permissions != OVERRIDE_NONE,
	     fs->opt.xattr_permissions != OVERRIDE_NONE ? "xattr_permissions" : "owners are real");
}

int explain_print(struct unionfs *fs, struct gantry_error *err)
{
	explain_layers(fs);
	explain_kernel(fs);
	return 0;
}
