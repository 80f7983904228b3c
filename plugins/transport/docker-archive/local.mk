# transport/docker-archive: what docker save and docker load exchange.
dockerarchivedir = $(plugindir)/transport/docker-archive
dockerarchive_PROGRAMS = plugins/transport/docker-archive/docker-archive.so
dist_dockerarchive_DATA = plugins/transport/docker-archive/plugin.conf
plugins_transport_docker_archive_docker_archive_so_SOURCES = plugins/transport/docker-archive/docker-archive.c
plugins_transport_docker_archive_docker_archive_so_LDFLAGS = $(SHARED_LINK)
plugins_transport_docker_archive_docker_archive_so_LDADD = $(HELPERS) $(CRYPTO_LIBS) $(JSON_LIBS)
