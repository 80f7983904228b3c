# log/none
plugin_log_nonedir = $(plugindir)/log/none
plugin_log_none_PROGRAMS = plugins/log/none/none.so
dist_plugin_log_none_DATA = plugins/log/none/plugin.conf
plugins_log_none_none_so_SOURCES = \
	plugins/log/none/driver.c
plugins_log_none_none_so_LDFLAGS = $(SHARED_LINK)
plugins_log_none_none_so_LDADD = $(HELPERS)
