# storage/vfs: snapshots as whole copies.
vfsdir = $(plugindir)/storage/vfs
vfs_PROGRAMS = plugins/storage/vfs/vfs.so
dist_vfs_DATA = plugins/storage/vfs/plugin.conf
plugins_storage_vfs_vfs_so_SOURCES = plugins/storage/vfs/vfs.c
plugins_storage_vfs_vfs_so_LDFLAGS = $(SHARED_LINK)
plugins_storage_vfs_vfs_so_LDADD = $(HELPERS)
