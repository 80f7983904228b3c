# The api driver docker over a fake engine, and gantryd over a fake core.
FAKE_API_SOURCES = $(API_DOCKER_SOURCES) tests/unit/api/fake_engine.c tests/unit/api/fake_engine.h
API_TEST_LIBS = $(HELPERS) $(CHECK_LIBS) $(JSON_LIBS) -lpthread
API_TESTS = \
	tests/unit/api/test-docker
check_PROGRAMS += $(API_TESTS) tests/unit/daemon/fake-gantryd
TESTS += $(API_TESTS)

tests_unit_api_test_docker_SOURCES = tests/unit/api/test-docker.c $(FAKE_API_SOURCES)
tests_unit_api_test_docker_LDADD = $(API_TEST_LIBS)

tests_unit_daemon_fake_gantryd_SOURCES = tests/unit/daemon/fake_core.c $(FAKE_API_SOURCES)
tests_unit_daemon_fake_gantryd_LDADD = $(DAEMON_LIBS) $(API_TEST_LIBS) $(OPENSSL_LIBS)
