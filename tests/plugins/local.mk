# Plugins that tests use: drivers that do harm, and descriptors that lie.
noinst_PROGRAMS += tests/plugins/hostile.so
tests_plugins_hostile_so_SOURCES = tests/plugins/hostile.c
tests_plugins_hostile_so_LDFLAGS = $(SHARED_LINK)

# One that takes its time.
noinst_PROGRAMS += tests/plugins/patient.so
tests_plugins_patient_so_SOURCES = tests/plugins/patient.c
tests_plugins_patient_so_LDFLAGS = $(SHARED_LINK)

noinst_PROGRAMS += tests/plugins/wrong_abi.so tests/plugins/needs_newer.so \
	tests/plugins/truncated.so tests/plugins/lying_size.so tests/plugins/missing_ops.so \
	tests/plugins/built_newer.so
tests_plugins_wrong_abi_so_SOURCES = tests/plugins/faulty.c
tests_plugins_wrong_abi_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=WRONG_ABI
tests_plugins_wrong_abi_so_LDFLAGS = $(SHARED_LINK)
tests_plugins_needs_newer_so_SOURCES = tests/plugins/faulty.c
tests_plugins_needs_newer_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=NEEDS_NEWER
tests_plugins_needs_newer_so_LDFLAGS = $(SHARED_LINK)
tests_plugins_truncated_so_SOURCES = tests/plugins/faulty.c
tests_plugins_truncated_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=TRUNCATED
tests_plugins_truncated_so_LDFLAGS = $(SHARED_LINK)
tests_plugins_lying_size_so_SOURCES = tests/plugins/faulty.c
tests_plugins_lying_size_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=LYING_SIZE
tests_plugins_lying_size_so_LDFLAGS = $(SHARED_LINK)
tests_plugins_missing_ops_so_SOURCES = tests/plugins/faulty.c
tests_plugins_missing_ops_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=MISSING_OPS
tests_plugins_missing_ops_so_LDFLAGS = $(SHARED_LINK)
tests_plugins_built_newer_so_SOURCES = tests/plugins/faulty.c
tests_plugins_built_newer_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=BUILT_NEWER
tests_plugins_built_newer_so_LDFLAGS = $(SHARED_LINK)
EXTRA_DIST += tests/plugins/garbage.py tests/plugins/log.py tests/plugins/monitor.py \
	tests/plugins/volume.py
