# The union filesystem: what the integration tests cannot bring about on purpose.
FUSE_TESTS = tests/unit/fuse/test-threads
if HAVE_CHECK
check_PROGRAMS += $(FUSE_TESTS)
TESTS += $(FUSE_TESTS)
endif
tests_unit_fuse_test_threads_SOURCES = tests/unit/fuse/test-threads.c \
	fuse/crew.c fuse/rwlock.c
tests_unit_fuse_test_threads_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fuse_test_threads_LDADD = $(HELPERS) $(CHECK_LIBS) -lpthread
