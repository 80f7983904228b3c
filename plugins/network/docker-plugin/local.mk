# network/docker-plugin
plugin_network_docker_plugindir = $(plugindir)/network/docker-plugin
plugin_network_docker_plugin_PROGRAMS = plugins/network/docker-plugin/docker-plugin.so
dist_plugin_network_docker_plugin_DATA = plugins/network/docker-plugin/plugin.conf
plugins_network_docker_plugin_docker_plugin_so_SOURCES = \
	plugins/network/docker-plugin/driver.c \
	plugins/network/docker-plugin/endpoint.c \
	plugins/network/docker-plugin/interface.c \
	plugins/network/docker-plugin/ipam.c \
	plugins/network/docker-plugin/remote.h
plugins_network_docker_plugin_docker_plugin_so_LDFLAGS = $(SHARED_LINK)
plugins_network_docker_plugin_docker_plugin_so_LDADD = $(HELPERS) $(CURL_LIBS) $(MNL_LIBS) $(JSON_LIBS)
