# auth/tls
plugin_auth_tlsdir = $(plugindir)/auth/tls
plugin_auth_tls_PROGRAMS = plugins/auth/tls/tls.so
dist_plugin_auth_tls_DATA = plugins/auth/tls/plugin.conf
plugins_auth_tls_tls_so_SOURCES = plugins/auth/tls/driver.c
plugins_auth_tls_tls_so_LDFLAGS = $(SHARED_LINK)
plugins_auth_tls_tls_so_LDADD = $(HELPERS) $(JSON_LIBS) -lpthread
