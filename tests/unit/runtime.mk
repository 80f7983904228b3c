# The native runtime.
RUNTIME_TESTS = tests/unit/runtime/test-native
if HAVE_CHECK
check_PROGRAMS += $(RUNTIME_TESTS)
TESTS += $(RUNTIME_TESTS)
endif
tests_unit_runtime_test_native_SOURCES = tests/unit/runtime/test-native.c
tests_unit_runtime_test_native_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_runtime_test_native_LDADD = tests/libfakehost.a $(HELPERS) $(CHECK_LIBS) $(JSON_LIBS)

# The program of device rules, interpreted.
if HAVE_CHECK
check_PROGRAMS += tests/unit/runtime/test-devices
TESTS += tests/unit/runtime/test-devices
endif
tests_unit_runtime_test_devices_SOURCES = tests/unit/runtime/test-devices.c plugins/runtime/native/cgroup_bpf.c
tests_unit_runtime_test_devices_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_runtime_test_devices_LDADD = $(HELPERS) $(CHECK_LIBS)
