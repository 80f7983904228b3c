# storage/unionfs: snapshots on gantry's own FUSE union filesystem.
unionfsdir = $(plugindir)/storage/unionfs
unionfs_PROGRAMS = plugins/storage/unionfs/unionfs.so
dist_unionfs_DATA = plugins/storage/unionfs/plugin.conf
plugins_storage_unionfs_unionfs_so_SOURCES = \
	plugins/storage/unionfs/mount.c \
	plugins/storage/unionfs/unionfs.c plugins/storage/unionfs/unionfs.h
plugins_storage_unionfs_unionfs_so_CPPFLAGS = $(AM_CPPFLAGS) -DBINDIR='"$(bindir)"'
plugins_storage_unionfs_unionfs_so_LDFLAGS = $(SHARED_LINK)
plugins_storage_unionfs_unionfs_so_LDADD = $(HELPERS) $(JSON_LIBS) -ldl
