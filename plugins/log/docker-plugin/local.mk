# log/docker-plugin
plugin_log_docker_plugindir = $(plugindir)/log/docker-plugin
plugin_log_docker_plugin_PROGRAMS = plugins/log/docker-plugin/docker-plugin.so
dist_plugin_log_docker_plugin_DATA = plugins/log/docker-plugin/plugin.conf
DOCKER_LOG_ENTRY = plugins/log/docker-plugin/entry.c plugins/log/docker-plugin/entry.h
plugins_log_docker_plugin_docker_plugin_so_SOURCES = $(DOCKER_LOG_ENTRY) \
	plugins/log/docker-plugin/driver.c \
	plugins/log/docker-plugin/reader.c plugins/log/docker-plugin/reader.h \
	plugins/log/docker-plugin/writer.c plugins/log/docker-plugin/writer.h
plugins_log_docker_plugin_docker_plugin_so_LDFLAGS = $(SHARED_LINK)
plugins_log_docker_plugin_docker_plugin_so_LDADD = $(HELPERS) $(CURL_LIBS) $(JSON_LIBS)
