# transport/registry: OCI and Docker registries.
registrydir = $(plugindir)/transport/registry
registry_PROGRAMS = plugins/transport/registry/registry.so
dist_registry_DATA = plugins/transport/registry/plugin.conf
REGISTRY_PARSE = plugins/transport/registry/parse.c plugins/transport/registry/parse.h
plugins_transport_registry_registry_so_SOURCES = $(REGISTRY_PARSE) \
	plugins/transport/registry/auth.c \
	plugins/transport/registry/credentials.c \
	plugins/transport/registry/hosts.c \
	plugins/transport/registry/http.c plugins/transport/registry/http.h \
	plugins/transport/registry/pull.c \
	plugins/transport/registry/push.c \
	plugins/transport/registry/registry.c plugins/transport/registry/registry.h \
	plugins/transport/registry/session.c
plugins_transport_registry_registry_so_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
plugins_transport_registry_registry_so_LDFLAGS = $(SHARED_LINK)
plugins_transport_registry_registry_so_LDADD = $(HELPERS) $(CURL_LIBS) $(CRYPTO_LIBS) $(JSON_LIBS)
