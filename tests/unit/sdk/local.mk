# The contract: what is generated, the headers, the ABI, plugins of earlier releases.
GANTRY_KINDS = $(INTERFACES)
export GANTRY_KINDS LUA
SDK_SHELL = tests/unit/sdk/generated.sh tests/unit/sdk/headers.sh tests/unit/sdk/abi.sh
TESTS += $(SDK_SHELL)
EXTRA_DIST += $(SDK_SHELL) tests/abi
tests/unit/sdk/generated.log: $(KIND_PAGES) sdk/generated/interfaces.c

SDK_TESTS = tests/unit/sdk/test-old-plugins tests/unit/sdk/test-static
check_PROGRAMS += $(SDK_TESTS)
TESTS += $(SDK_TESTS)
tests_unit_sdk_test_old_plugins_SOURCES = tests/unit/sdk/test-old-plugins.c
tests_unit_sdk_test_old_plugins_LDADD = tests/libfakehost.a core/libplugin.a $(HELPERS) $(CHECK_LIBS) -ldl
# As an author links them: the example's own test, its driver compiled in, no dlopen.
tests_unit_sdk_test_static_SOURCES = sdk/examples/c/test.c sdk/examples/c/driver.c
tests_unit_sdk_test_static_CPPFLAGS = $(AM_CPPFLAGS) -DGANTRY_PLUGIN_SYMBOL=the_plugin
tests_unit_sdk_test_static_LDADD = sdk/libgantry-fake.a -lpthread
