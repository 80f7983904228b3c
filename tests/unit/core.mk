# The core's own tests; they run from the top of the build tree.
check_PROGRAMS += tests/unit/core/fake_runtime.so
tests_unit_core_fake_runtime_so_SOURCES = tests/unit/core/fake_runtime.c
tests_unit_core_fake_runtime_so_LDFLAGS = $(SHARED_LINK)
tests_unit_core_fake_runtime_so_LDADD = $(HELPERS)

CORE_TESTS = tests/unit/core/test-driver tests/unit/core/test-package-tar tests/unit/core/test-shim tests/unit/core/test-wire
check_PROGRAMS += $(CORE_TESTS)
TESTS += $(CORE_TESTS)
tests_unit_core_test_shim_SOURCES = tests/unit/core/test-shim.c \
	tests/unit/core/shim_driver.c tests/unit/core/shim_driver.h
tests_unit_core_test_shim_LDADD = core/libplugin.a $(HELPERS) $(CHECK_LIBS)

# Layers that are read in place.
LAZY_CHECK = tests/unit/lazy/check_index.c tests/unit/lazy/check_index.h \
	core/lazy/chunk.c core/lazy/chunk.h core/lazy/fuse_attr.c core/lazy/fuse_attr.h
LAZY_CHECK_FLAGS = -I$(top_srcdir)/tests/unit/lazy
LAZY_TESTS = tests/unit/lazy/test-lazy
if HAVE_CHECK
check_PROGRAMS += $(LAZY_TESTS)
TESTS += $(LAZY_TESTS)
endif
tests_unit_lazy_test_lazy_SOURCES = tests/unit/lazy/test-lazy.c $(LAZY_CHECK)
tests_unit_lazy_test_lazy_CPPFLAGS = $(AM_CPPFLAGS) $(LAZY_CHECK_FLAGS)
tests_unit_lazy_test_lazy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_lazy_test_lazy_LDADD = $(CORE_LIBS) $(CHECK_LIBS) $(ZLIB_LIBS) $(ZSTD_LIBS)
tests_unit_core_test_package_tar_SOURCES = tests/unit/core/test-package-tar.c core/package/tar.c
tests_unit_core_test_package_tar_LDADD = $(HELPERS) $(CHECK_LIBS)
tests_unit_core_test_wire_SOURCES = tests/unit/core/test-wire.c
tests_unit_core_test_wire_LDADD = core/libplugin.a $(HELPERS) $(CHECK_LIBS) -lpthread
tests_unit_core_test_driver_SOURCES = tests/unit/core/test-driver.c
tests_unit_core_test_driver_LDADD = core/libplugin.a $(HELPERS) $(CHECK_LIBS) -lpthread
