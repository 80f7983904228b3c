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
LUA_TESTS = tests/lua/run-isolated tests/unit/lua/test-driver tests/unit/lua/test-policy tests/unit/lua/test-bad-input
check_PROGRAMS += $(LUA_TESTS)
TESTS += $(LUA_TESTS)
endif
tests_unit_lua_test_policy_SOURCES = tests/unit/lua/test-policy.c
tests_unit_lua_test_policy_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_unit_lua_test_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_lua_test_policy_LDADD = $(LUAHOST_LIBS) $(CHECK_LIBS)
tests_lua_run_isolated_SOURCES = tests/lua/run-isolated.c
tests_lua_run_isolated_LDADD = tests/libfakehost.a core/libplugin.a $(HELPERS) $(JSON_LIBS) -ldl -lpthread
tests_unit_lua_test_bad_input_SOURCES = tests/unit/lua/test-bad-input.c
tests_unit_lua_test_bad_input_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_unit_lua_test_bad_input_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_lua_test_bad_input_LDADD = $(LUAHOST_LIBS) $(CHECK_LIBS) -lpthread
tests_unit_lua_test_driver_SOURCES = tests/unit/lua/test-driver.c
tests_unit_lua_test_driver_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_unit_lua_test_driver_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_lua_test_driver_LDADD = tests/libfakehost.a core/libplugin.a $(HELPERS) $(CHECK_LIBS) \
	$(JSON_LIBS) -ldl -lpthread
TESTS += tests/lua/run-hostile tests/lua/run-policies
EXTRA_DIST += tests/lua/hostile

check_PROGRAMS += tests/lua/fuzz
TESTS += tests/lua/fuzz
tests_lua_fuzz_SOURCES = tests/lua/fuzz.c tests/lua/grammar.c tests/lua/grammar.h
tests_lua_fuzz_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_lua_fuzz_LDADD = $(LUAHOST_LIBS)

# Replayed over their corpus by tests/fuzz/run.
if HAVE_CHECK
check_PROGRAMS += tests/fuzz/fuzz-lua-script tests/fuzz/fuzz-lua-policy tests/fuzz/fuzz-lua-driver
endif
tests_fuzz_fuzz_lua_script_SOURCES = tests/fuzz/fuzz-lua-script.c tests/fuzz/replay.c \
	tests/lua/grammar.c tests/lua/grammar.h
tests_fuzz_fuzz_lua_script_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_fuzz_fuzz_lua_script_LDADD = $(LUAHOST_LIBS)
tests_fuzz_fuzz_lua_policy_SOURCES = tests/fuzz/fuzz-lua-policy.c tests/fuzz/replay.c
tests_fuzz_fuzz_lua_policy_CPPFLAGS = $(LUA_TEST_CPPFLAGS)
tests_fuzz_fuzz_lua_policy_LDADD = $(LUAHOST_LIBS)
tests_fuzz_fuzz_lua_driver_SOURCES = tests/fuzz/fuzz-lua-driver.c tests/fuzz/replay.c \
	$(LUA_DRIVER_HOST)
tests_fuzz_fuzz_lua_driver_CPPFLAGS = $(LUA_TEST_CPPFLAGS) $(CURL_CFLAGS) $(CONFIG_CFLAGS)
tests_fuzz_fuzz_lua_driver_LDADD = tests/libfakehost.a $(LUAHOST_LIBS) $(CONFIG_LIBS) -ldl -lpthread
