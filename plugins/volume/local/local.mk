# volume/local
plugin_volume_localdir = $(plugindir)/volume/local
plugin_volume_local_PROGRAMS = plugins/volume/local/local.so
dist_plugin_volume_local_DATA = plugins/volume/local/plugin.conf
plugins_volume_local_local_so_SOURCES = \
	plugins/volume/local/driver.c \
	plugins/volume/local/mount.c \
	plugins/volume/local/mount.h \
	plugins/volume/local/options.c \
	plugins/volume/local/options.h \
	plugins/volume/local/quota.c \
	plugins/volume/local/quota.h \
	plugins/volume/local/volumes.c \
	plugins/volume/local/volumes.h
plugins_volume_local_local_so_LDFLAGS = $(SHARED_LINK)
plugins_volume_local_local_so_LDADD = $(HELPERS) $(JSON_LIBS)
