# Fuzz targets, replayed over their corpus and random changes of it.
FUZZ_TARGETS = tests/fuzz/fuzz-api-docker tests/fuzz/fuzz-foreign tests/fuzz/fuzz-http \
	tests/fuzz/fuzz-oci-criu tests/fuzz/fuzz-oci-seccomp tests/fuzz/fuzz-oci-spec \
	tests/fuzz/fuzz-archive tests/fuzz/fuzz-layer tests/fuzz/fuzz-registry \
	tests/fuzz/fuzz-package tests/fuzz/fuzz-plugin tests/fuzz/fuzz-usernet tests/fuzz/fuzz-lazy
if HAVE_CHECK
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += tests/fuzz/run
endif
EXTRA_DIST += tests/fuzz/run tests/fuzz/long tests/fuzz/corpus

tests_fuzz_fuzz_api_docker_SOURCES = tests/fuzz/fuzz-api-docker.c tests/fuzz/replay.c \
	$(FAKE_API_SOURCES)
tests_fuzz_fuzz_api_docker_LDADD = $(API_TEST_LIBS)
tests_fuzz_fuzz_foreign_SOURCES = tests/fuzz/fuzz-foreign.c tests/fuzz/replay.c \
	$(CDI_PARSE) $(CNI_PARSE) $(DOCKER_LOG_ENTRY) $(OCI_HOOKS_PARSE)
tests_fuzz_fuzz_foreign_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
tests_fuzz_fuzz_foreign_LDADD = $(HELPERS) $(CURL_LIBS) $(YAML_LIBS) $(JSON_LIBS)
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz-http.c tests/fuzz/replay.c
tests_fuzz_fuzz_http_LDADD = $(DAEMON_LIBS) $(API_TEST_LIBS)
tests_fuzz_fuzz_oci_criu_SOURCES = tests/fuzz/fuzz-oci-criu.c tests/fuzz/replay.c
tests_fuzz_fuzz_oci_criu_LDADD = plugins/runtime/native/libnative.a $(HELPERS)
tests_fuzz_fuzz_oci_spec_SOURCES = tests/fuzz/fuzz-oci-spec.c tests/fuzz/replay.c
tests_fuzz_fuzz_oci_spec_LDADD = plugins/runtime/native/libnative.a $(HELPERS) $(JSON_LIBS)
tests_fuzz_fuzz_oci_seccomp_SOURCES = tests/fuzz/fuzz-oci-seccomp.c tests/fuzz/replay.c \
	plugins/runtime/native/seccomp_lib_linked.c
tests_fuzz_fuzz_oci_seccomp_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tests_fuzz_fuzz_oci_seccomp_LDADD = plugins/runtime/native/libnative.a $(HELPERS) $(JSON_LIBS) $(SECCOMP_LIBS)
tests_fuzz_fuzz_archive_SOURCES = tests/fuzz/fuzz-archive.c tests/fuzz/replay.c
tests_fuzz_fuzz_archive_LDADD = $(HELPERS) $(CRYPTO_LIBS) $(JSON_LIBS)
tests_fuzz_fuzz_layer_SOURCES = tests/fuzz/fuzz-layer.c tests/fuzz/replay.c
tests_fuzz_fuzz_layer_LDADD = $(HELPERS)
tests_fuzz_fuzz_registry_SOURCES = tests/fuzz/fuzz-registry.c tests/fuzz/replay.c $(REGISTRY_PARSE)
tests_fuzz_fuzz_registry_LDADD = $(HELPERS) $(CRYPTO_LIBS) $(JSON_LIBS)
tests_fuzz_fuzz_package_SOURCES = tests/fuzz/fuzz-package.c tests/fuzz/replay.c core/package/tar.c
tests_fuzz_fuzz_package_LDADD = $(HELPERS)
tests_fuzz_fuzz_usernet_SOURCES = tests/fuzz/fuzz-usernet.c tests/fuzz/replay.c \
	core/emulate/net_plan.c plugins/network/bridge/usernet/packet.c
tests_fuzz_fuzz_usernet_LDADD = $(HELPERS) -lpthread
tests_fuzz_fuzz_plugin_SOURCES = tests/fuzz/fuzz-plugin.c tests/fuzz/replay.c
tests_fuzz_fuzz_plugin_LDADD = core/libplugin.a $(HELPERS) -lpthread
tests_fuzz_fuzz_lazy_SOURCES = tests/fuzz/fuzz-lazy.c tests/fuzz/replay.c $(LAZY_CHECK)
tests_fuzz_fuzz_lazy_CPPFLAGS = $(AM_CPPFLAGS) $(LAZY_CHECK_FLAGS)
tests_fuzz_fuzz_lazy_LDADD = $(CORE_LIBS)
