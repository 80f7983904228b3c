# network/none
plugin_network_nonedir = $(plugindir)/network/none
plugin_network_none_PROGRAMS = plugins/network/none/none.so
dist_plugin_network_none_DATA = plugins/network/none/plugin.conf
plugins_network_none_none_so_SOURCES = \
	plugins/network/none/driver.c
plugins_network_none_none_so_LDFLAGS = $(SHARED_LINK)
plugins_network_none_none_so_LDADD = $(HELPERS)
