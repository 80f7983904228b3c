# api/docker
API_DOCKER_SOURCES = \
	plugins/api/docker/absent.c \
	plugins/api/docker/answer.c plugins/api/docker/answer.h \
	plugins/api/docker/base64.c plugins/api/docker/base64.h \
	plugins/api/docker/checkpoints.c \
	plugins/api/docker/containers.c \
	plugins/api/docker/exec.c \
	plugins/api/docker/files.c \
	plugins/api/docker/filters.c plugins/api/docker/filters.h \
	plugins/api/docker/handlers.h \
	plugins/api/docker/images.c \
	plugins/api/docker/networks.c \
	plugins/api/docker/plugin.c \
	plugins/api/docker/plugins.c \
	plugins/api/docker/query.c plugins/api/docker/query.h \
	plugins/api/docker/request.c plugins/api/docker/request.h \
	plugins/api/docker/routes.c plugins/api/docker/routes.h \
	plugins/api/docker/streams.c \
	plugins/api/docker/system.c \
	plugins/api/docker/transfer.c \
	plugins/api/docker/volumes.c

plugin_api_dockerdir = $(plugindir)/api/docker
plugin_api_docker_PROGRAMS = plugins/api/docker/docker.so
dist_plugin_api_docker_DATA = plugins/api/docker/plugin.conf
plugins_api_docker_docker_so_SOURCES = $(API_DOCKER_SOURCES)
plugins_api_docker_docker_so_LDFLAGS = $(SHARED_LINK)
plugins_api_docker_docker_so_LDADD = $(HELPERS) $(JSON_LIBS)
