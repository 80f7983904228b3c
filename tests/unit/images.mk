# Tests of the layer helpers, the storage drivers and the transports.
IMAGE_TESTS = tests/unit/helpers/test-layer tests/unit/storage/test-storage
if HAVE_CHECK
check_PROGRAMS += $(IMAGE_TESTS)
TESTS += $(IMAGE_TESTS)
endif
tests_libfakehost_a_SOURCES += tests/unit/tar_maker.c tests/unit/tar_maker.h

tests_unit_helpers_test_layer_SOURCES = tests/unit/helpers/test-layer.c
tests_unit_helpers_test_layer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_helpers_test_layer_LDADD = tests/libfakehost.a $(HELPERS) $(CHECK_LIBS)

tests_unit_storage_test_storage_SOURCES = tests/unit/storage/test-storage.c
tests_unit_storage_test_storage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_storage_test_storage_LDADD = tests/libfakehost.a $(HELPERS) $(CHECK_LIBS)
