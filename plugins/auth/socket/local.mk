# auth/socket
plugin_auth_socketdir = $(plugindir)/auth/socket
plugin_auth_socket_PROGRAMS = plugins/auth/socket/socket.so
dist_plugin_auth_socket_DATA = plugins/auth/socket/plugin.conf
plugins_auth_socket_socket_so_SOURCES = plugins/auth/socket/driver.c
plugins_auth_socket_socket_so_LDFLAGS = $(SHARED_LINK)
plugins_auth_socket_socket_so_LDADD = $(HELPERS) $(JSON_LIBS) -lpthread
