# The contract: public headers, interface descriptions and what is derived from
# them, and the helper library that plugins link.

INTERFACES = storage transport runtime network volume log spec auth policy api monitor cluster engine
INTERFACE_FILES = $(INTERFACES:%=$(top_srcdir)/sdk/interfaces/%.lua)
GENERATE_FROM = $(INTERFACE_FILES) $(top_srcdir)/sdk/generate.lua $(top_srcdir)/sdk/local.mk
KIND_INCLUDES = $(INTERFACES:%=sdk/generated/gantry/%.h)
GENERATE = $(LUA) $(top_srcdir)/sdk/generate.lua
EXTRA_DIST += sdk/generate.lua $(INTERFACES:%=sdk/interfaces/%.lua)
BUILT_SOURCES += $(KIND_INCLUDES) sdk/generated/gantry/calls.h
CLEANFILES += $(KIND_INCLUDES) sdk/generated/gantry/calls.h sdk/generated/interfaces.c

sdk/generated/gantry/%.h: sdk/interfaces/%.lua sdk/generate.lua
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(GENERATE) header $< > $@.tmp && mv $@.tmp $@
sdk/generated/gantry/calls.h: $(GENERATE_FROM)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(GENERATE) calls $(INTERFACE_FILES) > $@.tmp && mv $@.tmp $@
sdk/generated/interfaces.c: $(GENERATE_FROM) $(KIND_INCLUDES)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(GENERATE) tables $(INTERFACE_FILES) > $@.tmp && mv $@.tmp $@

gantryincludedir = $(includedir)/gantry
gantryinclude_HEADERS = \
	sdk/include/gantry/error.h \
	sdk/include/gantry/facade.h \
	sdk/include/gantry/fake.h \
	sdk/include/gantry/interface.h \
	sdk/include/gantry/plugin.h \
	sdk/include/gantry/script.h
nodist_gantryinclude_HEADERS = $(INTERFACES:%=sdk/generated/gantry/%.h)

noinst_LIBRARIES += sdk/libhelpers.a
sdk_libhelpers_a_SOURCES = \
	sdk/helpers/address.c sdk/helpers/address.h \
	sdk/helpers/archive_lib.c sdk/helpers/archive_lib.h \
	sdk/helpers/archive_transport.c sdk/helpers/archive_transport.h \
	sdk/helpers/base64.c sdk/helpers/base64.h \
	sdk/helpers/buf.c sdk/helpers/buf.h \
	sdk/helpers/cleanup.h \
	sdk/helpers/credential_helper.c sdk/helpers/credential_helper.h \
	sdk/helpers/digest.c sdk/helpers/digest.h \
	sdk/helpers/ed25519.c sdk/helpers/ed25519.h \
	sdk/helpers/libcrypto.c sdk/helpers/libcrypto.h \
	sdk/helpers/emulate.h \
	sdk/helpers/tcp_fence.h \
	sdk/helpers/docker_plugin.c sdk/helpers/docker_plugin.h \
	sdk/helpers/docker_plugin_find.c sdk/helpers/docker_plugin_find.h \
	sdk/helpers/error.c sdk/helpers/error.h \
	sdk/helpers/exe.c sdk/helpers/exe.h \
	sdk/helpers/http_call.c sdk/helpers/http_call.h \
	sdk/helpers/image_archive.h sdk/helpers/image_reader.c sdk/helpers/image_writer.c \
	sdk/helpers/image_spool.c sdk/helpers/image_spool.h \
	sdk/helpers/interfaces.c sdk/helpers/interfaces.h \
	sdk/helpers/io.c sdk/helpers/io.h sdk/helpers/quantity.c sdk/helpers/quantity.h \
	sdk/helpers/json.c sdk/helpers/json.h \
	sdk/helpers/folder_mount.c sdk/helpers/folder_mount.h \
	sdk/helpers/layer.c sdk/helpers/layer.h \
	sdk/helpers/layer_apply.c sdk/helpers/layer_apply.h \
	sdk/helpers/layer_diff.c sdk/helpers/layer_diff.h \
	sdk/helpers/layer_dirs.c sdk/helpers/layer_dirs.h \
	sdk/helpers/layer_snapshots.c sdk/helpers/layer_snapshots.h \
	sdk/helpers/layer_walk.c sdk/helpers/layer_walk.h \
	sdk/helpers/name_set.c sdk/helpers/name_set.h \
	sdk/helpers/netns.c sdk/helpers/netns.h \
	sdk/helpers/owners.c sdk/helpers/owners.h \
	sdk/helpers/privilege.c sdk/helpers/privilege.h \
	sdk/helpers/project_quota.c sdk/helpers/project_quota.h \
	sdk/helpers/reply.c sdk/helpers/reply.h \
	sdk/helpers/sigpipe.h \
	sdk/helpers/rtnl.c sdk/helpers/rtnl.h \
	sdk/helpers/run_program.c sdk/helpers/run_program.h \
	sdk/helpers/snapshot_attach.c sdk/helpers/snapshot_attach.h \
	sdk/helpers/snapshots.c sdk/helpers/snapshots.h \
	sdk/helpers/store.c sdk/helpers/store.h \
	sdk/helpers/tar_index.c sdk/helpers/tar_index.h \
	sdk/helpers/tree_copy.c sdk/helpers/tree_copy.h \
	sdk/helpers/tree_usage.c
nodist_sdk_libhelpers_a_SOURCES = sdk/generated/interfaces.c

# The host that authors' unit tests link: the helpers that it uses are inside, and only
# the names of gantry/fake.h are seen.
FAKE_SOURCES = sdk/fake/host.c sdk/fake/reply.c sdk/fake/store.c sdk/fake/store.h
noinst_LIBRARIES += sdk/libfakeparts.a
sdk_libfakeparts_a_SOURCES = $(FAKE_SOURCES)
FAKE_OBJECTS = sdk/fake/host.$(OBJEXT) sdk/fake/reply.$(OBJEXT) sdk/fake/store.$(OBJEXT)
sdklibdir = $(libdir)
nodist_sdklib_DATA = sdk/libgantry-fake.a
CLEANFILES += sdk/libgantry-fake.a sdk/fake/whole.o
sdk/libgantry-fake.a: sdk/libfakeparts.a $(HELPERS)
	$(AM_V_AR)$(CC) -r -nostdlib -o sdk/fake/whole.o $(FAKE_OBJECTS) $(HELPERS) && \
	$(OBJCOPY) -w --keep-global-symbol='gantry_fake_*' sdk/fake/whole.o && \
	rm -f $@ && $(AR) cr $@ sdk/fake/whole.o

# For authors: flags, and a page per kind.
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = sdk/gantry.pc sdk/gantry-fake.pc
KIND_PAGES = $(INTERFACES:%=docs/reference/%.md)
referencedir = $(docdir)/reference
nodist_reference_DATA = $(KIND_PAGES)
CLEANFILES += $(KIND_PAGES)
docs/reference/%.md: sdk/interfaces/%.lua sdk/generate.lua
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(GENERATE) reference $< > $@.tmp && mv $@.tmp $@

# The examples are the templates of `gantry plugin new`, and installed to be read.
EXAMPLES = c/driver.c c/test.c c/plugin.conf c/Makefile c/README.md c/.github/workflows/ci.yml \
	lua/example.lua lua/plugin.conf lua/Makefile lua/README.md lua/.github/workflows/ci.yml \
	'*python/driver.py' python/protocol.py '*python/test.py' python/plugin.conf python/Makefile \
	python/README.md python/.github/workflows/ci.yml \
	'*sh/driver.sh' '*sh/test.sh' sh/plugin.conf sh/Makefile sh/README.md sh/.github/workflows/ci.yml
BUILT_SOURCES += sdk/generated/templates_generated.h
CLEANFILES += sdk/generated/templates_generated.h
EXTRA_DIST += sdk/generate-templates.lua sdk/examples
sdk/generated/templates_generated.h: sdk/generate-templates.lua $(wildcard $(top_srcdir)/sdk/examples/*/*)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(LUA) $(top_srcdir)/sdk/generate-templates.lua \
		$(top_srcdir)/sdk/examples $(EXAMPLES) > $@.tmp && mv $@.tmp $@

include sdk/conformance/local.mk
