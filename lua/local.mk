# Lua: the sandbox, the policy engine over it, and the hosts of Lua drivers.

noinst_LIBRARIES += lua/libluahost.a
lua_libluahost_a_CPPFLAGS = $(AM_CPPFLAGS) $(LUA54_CFLAGS) $(JSON_CFLAGS) $(CRYPTO_CFLAGS)
lua_libluahost_a_SOURCES = \
	lua/policy/audit-line.h \
	lua/policy/audit-read.c \
	lua/policy/audit.c lua/policy/audit.h \
	lua/policy/check.c \
	lua/policy/counter.c lua/policy/counter.h \
	lua/policy/fakes.c lua/policy/fakes.h \
	lua/policy/fields.c lua/policy/fields.h \
	lua/policy/filter.c \
	lua/policy/internal.h \
	lua/policy/lexer.c lua/policy/lexer.h \
	lua/policy/manager.c lua/policy/manager.h \
	lua/policy/merge.c \
	lua/policy/points.c \
	lua/policy/policy.h \
	lua/policy/record.c lua/policy/record.h \
	lua/policy/replay.c \
	lua/policy/run.c \
	lua/policy/script.c \
	lua/policy/set.c \
	lua/policy/test.c lua/policy/test.h \
	lua/sandbox/alloc.c \
	lua/sandbox/bridge.c lua/sandbox/bridge.h \
	lua/sandbox/environment.c \
	lua/sandbox/format.c \
	lua/sandbox/internal.h \
	lua/sandbox/lib-base.c \
	lua/sandbox/lib-gantry.c \
	lua/sandbox/lib-services.c \
	lua/sandbox/lib-string.c \
	lua/sandbox/lib-table.c \
	lua/sandbox/match.c lua/sandbox/match.h \
	lua/sandbox/pattern.c lua/sandbox/pattern.h \
	lua/sandbox/sandbox.c lua/sandbox/sandbox.h \
	lua/sandbox/services.c lua/sandbox/services.h \
	lua/sandbox/sha256.c lua/sandbox/sha256.h \
	lua/sandbox/signature.c lua/sandbox/signature.h \
	lua/sandbox/text.c \
	lua/sandbox/watchdog.c

LUAHOST_LIBS = lua/libluahost.a $(HELPERS) $(LUA54_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS)

# For editors: annotations of the Lua language server.
luastubsdir = $(pkgdatadir)/lua-stubs
dist_luastubs_DATA = lua/stubs/gantry.lua
nodist_luastubs_DATA = lua/stubs/kinds.lua
CLEANFILES += lua/stubs/kinds.lua
EXTRA_DIST += lua/generate-stubs.lua
lua/stubs/kinds.lua: $(INTERFACE_FILES) lua/generate-stubs.lua lua/policy/points.c
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(LUA) $(top_srcdir)/lua/generate-stubs.lua \
		$(top_srcdir)/lua/policy/points.c $(INTERFACE_FILES) > $@.tmp && mv $@.tmp $@

# Ready policies, to copy from.
policiesdir = $(pkgdatadir)/policies
dist_policies_DATA = $(wildcard $(top_srcdir)/lua/policies/*.lua)
