# The core: a library that the programs embed, and the programs around it.

core_cppflags = $(AM_CPPFLAGS) \
	-DSYSCONFDIR='"$(sysconfdir)"' -DLIBEXECDIR='"$(pkglibexecdir)"' \
	-DPLUGINDIR='"$(plugindir)"' -DPKGDATADIR='"$(pkgdatadir)"'

# What a program needs to load drivers; the shim links no more than this.
noinst_LIBRARIES += core/libplugin.a
core_libplugin_a_CPPFLAGS = $(core_cppflags)
core_libplugin_a_SOURCES = \
	core/plugin/driver.c core/plugin/driver.h \
	core/plugin/issued.c core/plugin/issued.h \
	core/plugin/handles.c core/plugin/handles.h \
	core/plugin/incarnation.c core/plugin/incarnation.h \
	core/plugin/jsonspan.c core/plugin/jsonspan.h \
	core/plugin/message.c \
	core/plugin/page.c core/plugin/page.h \
	core/plugin/peer.c core/plugin/peer.h \
	core/plugin/permissions.c core/plugin/permissions.h \
	core/plugin/pluginlog.c core/plugin/pluginlog.h \
	core/plugin/process.c core/plugin/process.h \
	core/plugin/process_call.c core/plugin/process_internal.h \
	core/plugin/request_ops.c core/plugin/request_ops.h \
	core/plugin/requests.c \
	core/plugin/trace.c core/plugin/trace.h \
	core/plugin/wire.c core/plugin/wire.h \
	core/plugin/native.c core/plugin/native.h \
	core/plugin/script.c core/plugin/script.h \
	core/shim/protocol.c core/shim/protocol.h

pkglibexec_PROGRAMS += gantry-shim
gantry_shim_SOURCES = \
	core/shim/batch.c core/shim/batch.h \
	core/shim/client.c core/shim/client.h \
	core/shim/container.c core/shim/container.h \
	core/shim/control.c core/shim/control.h \
	core/shim/emulator.c core/shim/emulator.h \
	core/shim/exec.c core/shim/exec.h \
	core/shim/finish.c core/shim/finish.h \
	core/shim/health.c core/shim/health.h \
	core/shim/helper.c core/shim/helper.h \
	core/shim/jobs.c \
	core/shim/jsontext.c core/shim/jsontext.h \
	core/shim/logger.c core/shim/logger.h \
	core/shim/loglink.c core/shim/loglink.h \
	core/shim/loop.c core/shim/loop.h \
	core/shim/main.c \
	core/shim/probe.c \
	core/shim/reap.c \
	core/shim/shim.h \
	core/shim/stdio.c core/shim/stdio.h
gantry_shim_LDADD = core/libplugin.a $(HELPERS)

# One process per container that has calls emulated.
pkglibexec_PROGRAMS += gantry-emulate
gantry_emulate_SOURCES = \
	core/emulate/attribute.c \
	core/emulate/create.c \
	core/emulate/emulate.h \
	core/emulate/identity.c core/emulate/identity.h \
	core/emulate/ids.c \
	core/emulate/look.c \
	core/emulate/main.c \
	core/emulate/mount.c \
	core/emulate/net.h \
	core/emulate/net_accept.c \
	core/emulate/net_bind.c \
	core/emulate/net_connect.c \
	core/emulate/net_plan.c \
	core/emulate/net_socket.c \
	core/emulate/net_swap.c \
	core/emulate/owner.c \
	core/emulate/path.c \
	core/emulate/process.c \
	core/emulate/request.c \
	core/emulate/serve.c \
	core/emulate/table.c
gantry_emulate_LDADD = $(HELPERS)
pkglibexec_PROGRAMS += gantry-plugin-host
gantry_plugin_host_CPPFLAGS = $(core_cppflags)
gantry_plugin_host_SOURCES = \
	core/pluginhost/cgroup.c \
	core/pluginhost/confine.c core/pluginhost/confine.h \
	core/pluginhost/engine.c \
	core/pluginhost/filter.c \
	core/pluginhost/landlock.c \
	core/pluginhost/main.c \
	core/pluginhost/pluginhost.h \
	core/pluginhost/records.c core/pluginhost/records.h \
	core/pluginhost/serve.c \
	core/pluginhost/services.c core/pluginhost/services.h \
	core/pluginhost/supervise.c
gantry_plugin_host_LDADD = core/libplugin.a $(HELPERS) -ldl -lpthread

noinst_LIBRARIES += core/libcore.a
core_libcore_a_CPPFLAGS = $(core_cppflags)
core_libcore_a_SOURCES = \
	core/base/idmap.c core/base/idmap.h \
	core/auth/auth.c core/auth/auth.h \
	core/base/paths.c core/base/paths.h \
	core/base/session.c core/base/session.h \
	core/base/userns.c core/base/userns.h \
	core/engine/core.c core/engine/engine.h core/engine/ops.c core/engine/plugins.c core/engine/reconcile.c core/engine/system.c core/core.h \
	core/config/config.c core/config/config.h core/config/schema.c \
	core/container/archive.c core/container/snapshot.c \
	core/container/attach.c core/container/exec.c core/container/frames.h \
	core/container/log.c core/container/log.h core/container/logs.c core/container/observe.c core/container/stats.c core/container/stats.h \
	core/container/wait.c \
	core/engine/ladder.c core/engine/ladder.h \
	core/engine/leftovers.c core/engine/leftovers.h core/engine/reconcile.h \
	core/engine/doctor.c core/engine/mounts.c core/engine/mounts.h core/engine/info.c core/engine/reuse.h \
	core/content/encoder.c core/content/encoder.h \
	core/image/changes.c core/image/collect.c core/image/make.c core/image/make.h core/image/push.c \
	core/image/auth.c core/network/ops.c core/volume/ops.c \
	core/container/change.c core/container/checkpoint.c core/container/container.h \
	core/container/create.c core/container/create.h \
	core/container/emulation.c core/container/emulation.h \
	core/container/limits.c core/container/limits.h \
	core/container/filters.c core/container/filters.h \
	core/container/pending.c core/container/populate.c core/container/root.c \
	core/container/finish.c core/container/host_devices.c core/container/hostconfig.c \
	core/container/inspect.c core/container/inspect_network.c core/container/present.h \
	core/container/list.c core/container/merge.c core/container/mounts.c \
	core/container/names.c core/container/record.c core/container/remove.c \
	core/container/launch.c core/container/launch.h core/container/run.c core/container/spec.h core/container/spec_drivers.c core/container/spec_linux.c \
	core/container/spec_mounts.c core/container/spec_process.c \
	core/container/spec_resources.c core/container/stop.c \
	core/container/user.c core/container/user.h \
	core/content/content.c core/content/content.h \
	core/content/decoder.c core/content/decoder.h \
	core/content/digest.c core/content/digest.h \
	core/engine/reconcile.h \
	core/image/admit.c core/image/admit.h core/image/signature.c \
	core/image/image.h core/image/ingest.c core/image/layer.c core/image/layer.h \
	core/image/platform.c core/image/platform.h core/image/progress.c core/image/pull.c core/image/record.c core/image/registry.c core/image/registry.h \
	core/image/reference.c core/image/reference.h core/image/remove.c core/image/show.c \
	core/content/codecs.c core/content/codecs.h \
	core/lazy/attach.c core/lazy/build.c core/lazy/build.h core/lazy/build_internal.h \
	core/lazy/build_write.c core/lazy/checkpoint.c core/lazy/checkpoint.h \
	core/lazy/client.c core/lazy/client.h core/lazy/index.c core/lazy/index.h core/lazy/lazy.c core/lazy/lazy.h \
	core/lazy/tar.c core/lazy/tar.h core/lazy/toc.c core/lazy/toc.h core/lazy/toc_index.c \
	core/lazy/transfer.c core/lazy/transfer.h \
	core/network/reconcile.c \
	core/network/attach.c \
	core/network/discover.c \
	core/network/verify.c \
	core/network/files.c core/network/network.h core/network/record.c \
	core/network/sockets.c \
	core/volume/use.c core/volume/volume.h \
	core/events/events.c core/events/events.h \
	core/plugin/adaptor.c core/plugin/adaptor.h \
	core/monitor/monitor.c core/monitor/monitor.h \
	core/package/artifact.c core/package/install.c core/package/installed.c core/package/ops.c \
	core/package/package.h core/package/place.c core/package/requires.c core/package/tar.c core/package/trust.c \
	core/plugin/manifest.c core/plugin/manifest.h \
	core/policy/front.c \
	core/policy/chain.c core/policy/gate.c \
	core/policy/internal.h \
	core/policy/look.c \
	core/policy/manage.c \
	core/policy/policy.c core/policy/policy.h \
	core/policy/who.c \
	core/plugin/describe.c core/plugin/registry.c core/plugin/registry.h core/plugin/registry_internal.h \
	core/plugin/services.c core/plugin/services.h \
	core/state/db.c core/state/db.h core/state/schema.h

CORE_LIBS = core/libcore.a core/libplugin.a $(HELPERS) \
	$(JSON_LIBS) $(SQLITE_LIBS) $(CONFIG_LIBS) -ldl -lpthread

include core/daemon/local.mk
include core/plugincheck/local.mk

# Finishes what a shim cannot do itself.
pkglibexec_PROGRAMS += gantry-reconcile
gantry_reconcile_SOURCES = core/reconcile/main.c
gantry_reconcile_LDADD = $(CORE_LIBS)

# Serves layers that are read in place.
pkglibexec_PROGRAMS += gantry-lazyfs
gantry_lazyfs_SOURCES = \
	core/lazy/blob.c core/lazy/blob.h \
	core/lazy/chunk.c core/lazy/chunk.h \
	core/lazy/control.c \
	core/lazy/fuse.c \
	core/lazy/fuse_attr.c core/lazy/fuse_attr.h \
	core/lazy/main.c \
	core/lazy/reader.c core/lazy/reader.h \
	core/lazy/server.h \
	core/lazy/source.c core/lazy/source.h
gantry_lazyfs_LDADD = $(CORE_LIBS)
