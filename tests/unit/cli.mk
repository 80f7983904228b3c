# The command line: templates, units, flags, HTTP answers, image names.
if HAVE_CHECK
CLI_TESTS = tests/unit/cli/test-template tests/unit/cli/test-units
check_PROGRAMS += $(CLI_TESTS) tests/fuzz/fuzz-template tests/fuzz/fuzz-cli-http tests/fuzz/fuzz-rootless
TESTS += $(CLI_TESTS)
CLI_TEST_LIBS = cli/libcli.a $(HELPERS) $(CHECK_LIBS) $(JSON_LIBS) -lm

tests_unit_cli_test_template_SOURCES = tests/unit/cli/test-template.c
tests_unit_cli_test_template_LDADD = $(CLI_TEST_LIBS)
tests_unit_cli_test_units_SOURCES = tests/unit/cli/test-units.c
tests_unit_cli_test_units_LDADD = $(CLI_LIBS) $(CHECK_LIBS)
tests_fuzz_fuzz_rootless_SOURCES = tests/fuzz/fuzz-rootless.c tests/fuzz/replay.c
tests_fuzz_fuzz_rootless_LDADD = $(CLI_TEST_LIBS)
tests_fuzz_fuzz_template_SOURCES = tests/fuzz/fuzz-template.c tests/fuzz/replay.c
tests_fuzz_fuzz_template_LDADD = $(CLI_TEST_LIBS)
tests_fuzz_fuzz_cli_http_SOURCES = tests/fuzz/fuzz-cli-http.c tests/fuzz/replay.c
tests_fuzz_fuzz_cli_http_LDADD = $(CLI_TEST_LIBS)
endif
