# Each driver adds its folder here with one line.
include plugins/storage/overlay/local.mk
include plugins/storage/unionfs/local.mk
include plugins/storage/vfs/local.mk
include plugins/log/docker-plugin/local.mk
include plugins/log/json-file/local.mk
include plugins/log/none/local.mk
include plugins/api/docker/local.mk
include plugins/network/bridge/local.mk
include plugins/network/cni/local.mk
include plugins/network/docker-plugin/local.mk
include plugins/network/host/local.mk
include plugins/network/none/local.mk
include plugins/runtime/native/local.mk
include plugins/spec/cdi/local.mk
include plugins/spec/oci-hooks/local.mk
include plugins/transport/registry/local.mk
include plugins/volume/docker-plugin/local.mk
include plugins/volume/local/local.mk
include plugins/transport/docker-archive/local.mk
include plugins/transport/oci-layout/local.mk
include plugins/policy/docker-plugin/local.mk
include plugins/policy/lua/local.mk
include plugins/auth/socket/local.mk
include plugins/auth/tls/local.mk
include plugins/auth/token/local.mk
include plugins/monitor/prometheus/local.mk

# A tree that is built elsewhere has manifests and scripts beside the plugins, too.
all-local: plugin-manifests
plugin-manifests:
	@test "$(srcdir)" = . || for f in `cd $(srcdir) && echo plugins/*/*/plugin.conf plugins/*/*/*.lua`; do \
		cmp -s $(srcdir)/$$f $$f || { $(MKDIR_P) `dirname $$f` && cp $(srcdir)/$$f $$f; }; \
	done
distclean-local: plugin-manifests-clean
plugin-manifests-clean:
	@test "$(srcdir)" = . || rm -f plugins/*/*/plugin.conf plugins/*/*/*.lua
.PHONY: plugin-manifests plugin-manifests-clean
