# spec/cdi
plugin_spec_cdidir = $(plugindir)/spec/cdi
plugin_spec_cdi_PROGRAMS = plugins/spec/cdi/cdi.so
dist_plugin_spec_cdi_DATA = plugins/spec/cdi/plugin.conf
CDI_PARSE = plugins/spec/cdi/device_file.c plugins/spec/cdi/device_file.h \
	plugins/spec/cdi/yaml_json.c plugins/spec/cdi/yaml_json.h
plugins_spec_cdi_cdi_so_SOURCES = $(CDI_PARSE) \
	plugins/spec/cdi/cache.c plugins/spec/cdi/cache.h \
	plugins/spec/cdi/driver.c \
	plugins/spec/cdi/edits.c plugins/spec/cdi/edits.h
plugins_spec_cdi_cdi_so_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
plugins_spec_cdi_cdi_so_LDFLAGS = $(SHARED_LINK)
plugins_spec_cdi_cdi_so_LDADD = $(HELPERS) $(YAML_LIBS) $(JSON_LIBS)
