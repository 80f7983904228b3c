noinst_PROGRAMS += unionfs-ops
unionfs_ops_SOURCES = bench/unionfs-ops.c
unionfs_ops_LDADD = -lpthread
EXTRA_DIST += bench/unionfs
