# network/host
plugin_network_hostdir = $(plugindir)/network/host
plugin_network_host_PROGRAMS = plugins/network/host/host.so
dist_plugin_network_host_DATA = plugins/network/host/plugin.conf
plugins_network_host_host_so_SOURCES = \
	plugins/network/host/driver.c
plugins_network_host_host_so_LDFLAGS = $(SHARED_LINK)
plugins_network_host_host_so_LDADD = $(HELPERS)
