# The sandbox and the policies under attack; unit tests are in tests/unit/lua.

LUA_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(LUA54_CFLAGS) $(JSON_CFLAGS)

check_PROGRAMS += tests/lua/run-hostile
tests_lua_run_hostile_SOURCES = tests/lua/run-hostile.c
tests_lua_run_hostile_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_lua_run_hostile_LDADD = $(LUAHOST_LIBS)

check_PROGRAMS += tests/lua/run-policies
tests_lua_run_policies_SOURCES = tests/lua/run-policies.c
tests_lua_run_policies_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_lua_run_policies_LDADD = $(LUAHOST_LIBS)
