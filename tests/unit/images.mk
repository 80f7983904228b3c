# Tests of the layer helpers, the storage drivers and the transports.
IMAGE_TESTS = tests/unit/helpers/test-layer tests/unit/helpers/test-owners tests/unit/storage/test-storage \
	tests/unit/transport/test-archive tests/unit/transport/test-registry
if HAVE_CHECK
check_PROGRAMS += $(IMAGE_TESTS)
TESTS += $(IMAGE_TESTS)
endif
tests_libfakehost_a_SOURCES += tests/unit/tar_maker.c tests/unit/tar_maker.h

tests_unit_helpers_test_layer_SOURCES = tests/unit/helpers/test-layer.c
tests_unit_helpers_test_layer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_helpers_test_layer_LDADD = tests/libfakehost.a $(HELPERS) $(CHECK_LIBS)

tests_unit_helpers_test_owners_SOURCES = tests/unit/helpers/test-owners.c
tests_unit_helpers_test_owners_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_helpers_test_owners_LDADD = $(HELPERS) $(CHECK_LIBS)

tests_unit_storage_test_storage_SOURCES = tests/unit/storage/test-storage.c
tests_unit_storage_test_storage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_storage_test_storage_LDADD = tests/libfakehost.a $(HELPERS) $(CHECK_LIBS)

tests_unit_transport_test_registry_SOURCES = tests/unit/transport/test-registry.c
tests_unit_transport_test_registry_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_transport_test_registry_LDADD = tests/libfakehost.a $(HELPERS) $(CHECK_LIBS) $(CRYPTO_LIBS)
EXTRA_DIST += tests/unit/transport/bad_registry.py

tests_unit_transport_test_archive_SOURCES = tests/unit/transport/test-archive.c
tests_unit_transport_test_archive_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_transport_test_archive_LDADD = tests/libfakehost.a $(HELPERS) $(CHECK_LIBS) $(CRYPTO_LIBS)
