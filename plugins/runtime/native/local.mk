# SPDX-License-Identifier: Apache-2.0
# The native runtime: a library, the plugin, the small init that it carries, and
# gantry-oci.

NATIVE = plugins/runtime/native

noinst_LIBRARIES += plugins/runtime/native/libnative.a
plugins_runtime_native_libnative_a_SOURCES = \
	plugins/runtime/native/arena.c plugins/runtime/native/arena.h \
	plugins/runtime/native/beneath.c plugins/runtime/native/beneath.h \
	plugins/runtime/native/caps.c plugins/runtime/native/caps.h \
	plugins/runtime/native/cgroup_bpf.c plugins/runtime/native/device_program.h \
	plugins/runtime/native/cgroup_bpf.c \
	plugins/runtime/native/checkpoint.c plugins/runtime/native/checkpoint.h \
	plugins/runtime/native/criu.c plugins/runtime/native/criu.h \
	plugins/runtime/native/criu_message.c plugins/runtime/native/criu_message.h \
	plugins/runtime/native/criu_mounts.c plugins/runtime/native/criu_mounts.h \
	plugins/runtime/native/cgroup_delegate.c \
	plugins/runtime/native/cgroup_host.c \
	plugins/runtime/native/cgroup_mount.c plugins/runtime/native/cgroup_mount.h \
	plugins/runtime/native/cgroup_v1.c \
	plugins/runtime/native/cgroup_v2.c \
	plugins/runtime/native/cgroup.c plugins/runtime/native/cgroup.h \
	plugins/runtime/native/container.h \
	plugins/runtime/native/create.c \
	plugins/runtime/native/creation.c plugins/runtime/native/creation.h \
	plugins/runtime/native/dbus.c plugins/runtime/native/dbus.h \
	plugins/runtime/native/devices.c plugins/runtime/native/devices.h \
	plugins/runtime/native/emulate.c plugins/runtime/native/emulate.h \
	plugins/runtime/native/exec.c \
	plugins/runtime/native/features.c \
	plugins/runtime/native/foreign_mount.c plugins/runtime/native/foreign_mount.h \
	plugins/runtime/native/hooks.c plugins/runtime/native/hooks.h \
	plugins/runtime/native/init.c plugins/runtime/native/init.h \
	plugins/runtime/native/jref.c plugins/runtime/native/jref.h \
	plugins/runtime/native/landlock.c plugins/runtime/native/landlock.h \
	plugins/runtime/native/lifecycle.c \
	plugins/runtime/native/lookup.c plugins/runtime/native/lookup.h \
	plugins/runtime/native/members.c plugins/runtime/native/members.h \
	plugins/runtime/native/lsm.c plugins/runtime/native/lsm.h \
	plugins/runtime/native/mounts.c plugins/runtime/native/mounts.h \
	plugins/runtime/native/netdev.c plugins/runtime/native/netdev.h \
	plugins/runtime/native/notify.c plugins/runtime/native/notify.h \
	plugins/runtime/native/process.c plugins/runtime/native/process.h \
	plugins/runtime/native/rdt.c plugins/runtime/native/rdt.h \
	plugins/runtime/native/reaper.c plugins/runtime/native/reaper.h \
	plugins/runtime/native/restore.c \
	plugins/runtime/native/resources.c plugins/runtime/native/resources.h \
	plugins/runtime/native/rootfs.c plugins/runtime/native/rootfs.h \
	plugins/runtime/native/scheduling.c plugins/runtime/native/scheduling.h \
	plugins/runtime/native/seccomp_compile.c \
	plugins/runtime/native/seccomp_default.c plugins/runtime/native/seccomp_default.h \
	plugins/runtime/native/seccomp_lib.h \
	plugins/runtime/native/seccomp_filter.c plugins/runtime/native/seccomp_filter.h \
	plugins/runtime/native/sha256.c plugins/runtime/native/sha256.h \
	plugins/runtime/native/spec_linux.c \
	plugins/runtime/native/spec_mount.c \
	plugins/runtime/native/spec_process.c \
	plugins/runtime/native/spec.c plugins/runtime/native/spec.h \
	plugins/runtime/native/start.c \
	plugins/runtime/native/state.c plugins/runtime/native/state.h \
	plugins/runtime/native/stats.c \
	plugins/runtime/native/sync.c plugins/runtime/native/sync.h \
	plugins/runtime/native/sys.h \
	plugins/runtime/native/sysctl.c plugins/runtime/native/sysctl.h \
	plugins/runtime/native/systemd.c plugins/runtime/native/systemd.h \
	plugins/runtime/native/systemd_property.c plugins/runtime/native/systemd_property.h \
	plugins/runtime/native/userns.c plugins/runtime/native/userns.h
plugins_runtime_native_libnative_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir) \
	-DREAPER_IMAGE='"$(abs_top_builddir)/$(NATIVE)/gantry-init"' \
	-DSECCOMP_DEFAULT_FILE='"$(abs_top_srcdir)/$(NATIVE)/seccomp-default.json"'
plugins_runtime_native_libnative_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS) $(SECCOMP_CFLAGS)

# The small init has no C library and no run-time support.
noinst_PROGRAMS += plugins/runtime/native/gantry-init
plugins_runtime_native_gantry_init_SOURCES = plugins/runtime/native/gantry-init.c
plugins_runtime_native_gantry_init_CFLAGS = -std=gnu11 -Os -Wall -Wextra -ffreestanding \
	-fno-stack-protector -fno-pie -fcf-protection=none -U_FORTIFY_SOURCE
plugins_runtime_native_gantry_init_LDFLAGS = -nostdlib -static -no-pie -s \
	-Wl,-z,noseparate-code -Wl,--build-id=none

$(NATIVE)/seccomp_digest.h: $(NATIVE)/seccomp-default.json
	$(AM_V_GEN)$(MKDIR_P) $(@D) && digest=`sha256sum < $(top_srcdir)/$(NATIVE)/seccomp-default.json` && \
		echo "#define SECCOMP_DEFAULT_DIGEST \"$${digest%% *}\"" > $@
plugins/runtime/native/libnative_a-seccomp_filter.$(OBJEXT): $(NATIVE)/seccomp_digest.h
plugins/runtime/native/libnative_a-reaper.$(OBJEXT): plugins/runtime/native/gantry-init$(EXEEXT)
plugins/runtime/native/libnative_a-seccomp_default.$(OBJEXT): plugins/runtime/native/seccomp-default.json
CLEANFILES += $(NATIVE)/seccomp_digest.h
EXTRA_DIST += plugins/runtime/native/seccomp-default.json
pkgdata_DATA = plugins/runtime/native/seccomp-default.json

# The plugin loads libseccomp when it compiles a profile.
nativedir = $(plugindir)/runtime/native
native_PROGRAMS = plugins/runtime/native/native.so
dist_native_DATA = plugins/runtime/native/plugin.conf
plugins_runtime_native_native_so_SOURCES = \
	plugins/runtime/native/native.c \
	plugins/runtime/native/seccomp_lib_loaded.c
plugins_runtime_native_native_so_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
plugins_runtime_native_native_so_LDFLAGS = $(SHARED_LINK)
plugins_runtime_native_native_so_LDADD = plugins/runtime/native/libnative.a $(HELPERS) $(JSON_LIBS) -lm

# gantry-oci is linked statically: loading shared libraries would be a good part of
# the time that it takes.
bin_PROGRAMS += gantry-oci
gantry_oci_SOURCES = \
	plugins/runtime/native/oci/checkpoint.c \
	plugins/runtime/native/oci/common.c \
	plugins/runtime/native/oci/create.c \
	plugins/runtime/native/oci/delete.c \
	plugins/runtime/native/oci/events.c \
	plugins/runtime/native/oci/exec.c \
	plugins/runtime/native/oci/features.c \
	plugins/runtime/native/oci/kill.c \
	plugins/runtime/native/oci/list.c \
	plugins/runtime/native/oci/log.c \
	plugins/runtime/native/oci/main.c \
	plugins/runtime/native/oci/oci.h \
	plugins/runtime/native/oci/pause.c \
	plugins/runtime/native/oci/ps.c \
	plugins/runtime/native/oci/run.c \
	plugins/runtime/native/oci/self.c \
	plugins/runtime/native/oci/spec.c \
	plugins/runtime/native/oci/start.c \
	plugins/runtime/native/oci/state.c \
	plugins/runtime/native/oci/update.c \
	plugins/runtime/native/oci/watch.c \
	plugins/runtime/native/seccomp_lib_linked.c
gantry_oci_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
gantry_oci_LDFLAGS = $(AM_LDFLAGS) $(OCI_STATIC)
gantry_oci_LDADD = plugins/runtime/native/libnative.a $(HELPERS) $(SECCOMP_LIBS) $(JSON_LIBS) -lm

ocimandir = $(mandir)/man1
dist_ociman_DATA = docs/man/gantry-oci.1
