# The native runtime.
RUNTIME_TESTS = tests/unit/runtime/test-criu tests/unit/runtime/test-native \
	tests/unit/runtime/test-rdt tests/unit/runtime/test-systemd-property
if HAVE_CHECK
check_PROGRAMS += $(RUNTIME_TESTS)
TESTS += $(RUNTIME_TESTS)
endif
tests_unit_runtime_test_native_SOURCES = tests/unit/runtime/test-native.c
tests_unit_runtime_test_native_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_runtime_test_native_LDADD = tests/libfakehost.a $(HELPERS) $(CHECK_LIBS) $(JSON_LIBS)
tests_unit_runtime_test_criu_SOURCES = tests/unit/runtime/test-criu.c
tests_unit_runtime_test_criu_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_runtime_test_criu_LDADD = plugins/runtime/native/libnative.a $(HELPERS) $(CHECK_LIBS)
tests_unit_runtime_test_rdt_SOURCES = tests/unit/runtime/test-rdt.c
tests_unit_runtime_test_rdt_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_runtime_test_rdt_LDADD = plugins/runtime/native/libnative.a $(HELPERS) $(CHECK_LIBS) $(JSON_LIBS)
tests_unit_runtime_test_systemd_property_SOURCES = tests/unit/runtime/test-systemd-property.c
tests_unit_runtime_test_systemd_property_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_runtime_test_systemd_property_LDADD = plugins/runtime/native/libnative.a $(HELPERS) $(CHECK_LIBS) $(JSON_LIBS)

# The program of device rules, interpreted.
if HAVE_CHECK
check_PROGRAMS += tests/unit/runtime/test-devices
TESTS += tests/unit/runtime/test-devices
endif
tests_unit_runtime_test_devices_SOURCES = tests/unit/runtime/test-devices.c plugins/runtime/native/cgroup_bpf.c
tests_unit_runtime_test_devices_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_runtime_test_devices_LDADD = $(HELPERS) $(CHECK_LIBS)
