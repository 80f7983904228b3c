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

if HAVE_CHECK
LUA_TESTS = tests/unit/lua/test-driver tests/unit/lua/test-policy
check_PROGRAMS += $(LUA_TESTS)
TESTS += $(LUA_TESTS)
endif
tests_unit_lua_test_policy_SOURCES = tests/unit/lua/test-policy.c
tests_unit_lua_test_policy_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_unit_lua_test_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_lua_test_policy_LDADD = $(LUAHOST_LIBS) $(CHECK_LIBS)
tests_unit_lua_test_driver_SOURCES = tests/unit/lua/test-driver.c
tests_unit_lua_test_driver_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_unit_lua_test_driver_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_lua_test_driver_LDADD = tests/libfakehost.a core/libplugin.a $(HELPERS) $(CHECK_LIBS) \
	$(JSON_LIBS) -ldl -lpthread
TESTS += tests/lua/run-hostile tests/lua/run-policies
EXTRA_DIST += tests/lua/hostile

check_PROGRAMS += tests/lua/fuzz
TESTS += tests/lua/fuzz
tests_lua_fuzz_SOURCES = tests/lua/fuzz.c
tests_lua_fuzz_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_lua_fuzz_LDADD = $(LUAHOST_LIBS)
