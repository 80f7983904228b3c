# spec/oci-hooks
plugin_spec_oci_hooksdir = $(plugindir)/spec/oci-hooks
plugin_spec_oci_hooks_PROGRAMS = plugins/spec/oci-hooks/oci-hooks.so
dist_plugin_spec_oci_hooks_DATA = plugins/spec/oci-hooks/plugin.conf
OCI_HOOKS_PARSE = plugins/spec/oci-hooks/hook_file.c plugins/spec/oci-hooks/hook_file.h
plugins_spec_oci_hooks_oci_hooks_so_SOURCES = $(OCI_HOOKS_PARSE) \
	plugins/spec/oci-hooks/driver.c
plugins_spec_oci_hooks_oci_hooks_so_LDFLAGS = $(SHARED_LINK)
plugins_spec_oci_hooks_oci_hooks_so_LDADD = $(HELPERS) $(JSON_LIBS)
