# Log, network and volume drivers, opened from the build tree.
NETVOL_TESTS = \
	tests/unit/plugins/log/test-json-file \
	tests/unit/plugins/network/test-bridge
check_PROGRAMS += $(NETVOL_TESTS)
TESTS += $(NETVOL_TESTS)
NETVOL_TEST_LIBS = tests/libfakehost.a $(HELPERS) $(CHECK_LIBS) $(JSON_LIBS)
tests_unit_plugins_log_test_json_file_SOURCES = tests/unit/plugins/log/test-json-file.c
tests_unit_plugins_log_test_json_file_LDADD = $(NETVOL_TEST_LIBS)
tests_unit_plugins_network_test_bridge_SOURCES = tests/unit/plugins/network/test-bridge.c
tests_unit_plugins_network_test_bridge_LDADD = $(NETVOL_TEST_LIBS)
