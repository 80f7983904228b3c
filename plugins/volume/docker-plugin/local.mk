# volume/docker-plugin
plugin_volume_docker_plugindir = $(plugindir)/volume/docker-plugin
plugin_volume_docker_plugin_PROGRAMS = plugins/volume/docker-plugin/docker-plugin.so
dist_plugin_volume_docker_plugin_DATA = plugins/volume/docker-plugin/plugin.conf
plugins_volume_docker_plugin_docker_plugin_so_SOURCES = plugins/volume/docker-plugin/driver.c
plugins_volume_docker_plugin_docker_plugin_so_LDFLAGS = $(SHARED_LINK)
plugins_volume_docker_plugin_docker_plugin_so_LDADD = $(HELPERS) $(CURL_LIBS) $(JSON_LIBS)
