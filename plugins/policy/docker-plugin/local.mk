# policy/docker-plugin
plugin_policy_docker_plugindir = $(plugindir)/policy/docker-plugin
plugin_policy_docker_plugin_PROGRAMS = plugins/policy/docker-plugin/docker-plugin.so
dist_plugin_policy_docker_plugin_DATA = plugins/policy/docker-plugin/plugin.conf
plugins_policy_docker_plugin_docker_plugin_so_SOURCES = plugins/policy/docker-plugin/driver.c
plugins_policy_docker_plugin_docker_plugin_so_LDFLAGS = $(SHARED_LINK)
plugins_policy_docker_plugin_docker_plugin_so_LDADD = $(HELPERS) $(CURL_LIBS) $(JSON_LIBS)
