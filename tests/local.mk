# Programs under tests/unit are listed by the folder they test; those that open
# drivers link tests/libfakehost.a and run from the top of the build tree.
check_LIBRARIES += tests/libfakehost.a
tests_libfakehost_a_SOURCES = $(FAKE_SOURCES) tests/unit/fake_host.c tests/unit/fake_host.h
include tests/unit/images.mk
include tests/unit/fuse.mk
include tests/unit/runtime.mk
include tests/unit/plugins/netvol.mk
include tests/unit/api.mk
include tests/unit/cli.mk
include tests/fuzz/local.mk
include tests/unit/core.mk

# The shape of the house.
TESTS += tests/unit/arrows.sh
EXTRA_DIST += tests/unit/arrows.sh
include tests/unit/sdk/local.mk
include tests/plugins/local.mk
