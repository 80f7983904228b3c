noinst_PROGRAMS += unionfs-fuzz
unionfs_fuzz_SOURCES = tests/unionfs/unionfs-fuzz.c tests/unionfs/fuzz-compare.c \
	tests/unionfs/fuzz-more.c tests/unionfs/fuzz.h
