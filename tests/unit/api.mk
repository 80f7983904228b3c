# The api driver docker over a fake engine, and gantryd over a fake core.
if HAVE_CHECK
FAKE_API_SOURCES = $(API_DOCKER_SOURCES) tests/unit/api/fake_engine.c tests/unit/api/fake_engine.h
API_TEST_LIBS = $(HELPERS) $(CHECK_LIBS) $(JSON_LIBS) -lpthread
API_TESTS = \
	tests/unit/api/test-docker \
	tests/unit/daemon/test-http \
	tests/unit/daemon/test-options
check_PROGRAMS += $(API_TESTS) tests/unit/daemon/fake-gantryd
TESTS += $(API_TESTS) tests/unit/daemon/test-gantryd.sh tests/unit/daemon/man-pages.sh
EXTRA_DIST += tests/unit/daemon/test-gantryd.sh tests/unit/daemon/man-pages.sh

tests_unit_api_test_docker_SOURCES = tests/unit/api/test-docker.c $(FAKE_API_SOURCES)
tests_unit_api_test_docker_LDADD = $(API_TEST_LIBS)

tests_unit_daemon_test_http_SOURCES = tests/unit/daemon/test-http.c
tests_unit_daemon_test_http_LDADD = $(DAEMON_LIBS) $(API_TEST_LIBS)

tests_unit_daemon_test_options_SOURCES = tests/unit/daemon/test-options.c
tests_unit_daemon_test_options_LDADD = $(DAEMON_LIBS) $(API_TEST_LIBS)

tests_unit_daemon_fake_gantryd_SOURCES = tests/unit/daemon/fake_core.c $(FAKE_API_SOURCES)
tests_unit_daemon_fake_gantryd_LDADD = $(DAEMON_LIBS) $(API_TEST_LIBS) $(OPENSSL_LIBS)
endif
