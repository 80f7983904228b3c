# storage/overlay: snapshots on the kernel's overlayfs.
overlaydir = $(plugindir)/storage/overlay
overlay_PROGRAMS = plugins/storage/overlay/overlay.so
dist_overlay_DATA = plugins/storage/overlay/plugin.conf
plugins_storage_overlay_overlay_so_SOURCES = \
	plugins/storage/overlay/content.c \
	plugins/storage/overlay/mount.c \
	plugins/storage/overlay/overlay.c plugins/storage/overlay/overlay.h \
	plugins/storage/overlay/places.c \
	plugins/storage/overlay/quota.c
plugins_storage_overlay_overlay_so_LDFLAGS = $(SHARED_LINK)
plugins_storage_overlay_overlay_so_LDADD = $(HELPERS)
