# policy/lua: the sources are in lua/drivers.
plugin_policy_luadir = $(plugindir)/policy/lua
plugin_policy_lua_PROGRAMS = plugins/policy/lua/lua.so
dist_plugin_policy_lua_DATA = plugins/policy/lua/plugin.conf
plugins_policy_lua_lua_so_SOURCES = \
	lua/drivers/command.c lua/drivers/command.h \
	lua/drivers/http.c lua/drivers/http.h \
	lua/drivers/policy.c \
	lua/drivers/services.c lua/drivers/services.h
plugins_policy_lua_lua_so_CPPFLAGS = $(AM_CPPFLAGS) $(LUA54_CFLAGS) $(JSON_CFLAGS) $(CURL_CFLAGS)
plugins_policy_lua_lua_so_LDFLAGS = $(SHARED_LINK)
plugins_policy_lua_lua_so_LDADD = $(LUAHOST_LIBS) -ldl -lpthread

# The host of drivers in Lua.
plugin_hostsdir = $(plugindir)/hosts
plugin_hosts_PROGRAMS = plugins/hosts/lua.so
LUA_DRIVER_HOST = \
	lua/drivers/command.c lua/drivers/command.h \
	lua/drivers/http.c lua/drivers/http.h \
	lua/drivers/services.c lua/drivers/services.h \
	lua/host/host.h \
	lua/host/instance.c \
	lua/host/marshal.c \
	lua/host/plugin.c \
	lua/host/tree.c \
	lua/host/trampolines.c
plugins_hosts_lua_so_SOURCES = $(LUA_DRIVER_HOST)
plugins_hosts_lua_so_CPPFLAGS = $(AM_CPPFLAGS) $(LUA54_CFLAGS) $(JSON_CFLAGS) $(CURL_CFLAGS) \
	$(CONFIG_CFLAGS)
plugins_hosts_lua_so_LDFLAGS = $(SHARED_LINK)
plugins_hosts_lua_so_LDADD = $(LUAHOST_LIBS) $(CONFIG_LIBS) -ldl -lpthread

# Drivers in Lua.
plugin_volume_remotedir = $(plugindir)/volume/remote
dist_plugin_volume_remote_DATA = \
	plugins/volume/remote/plugin.conf plugins/volume/remote/remote.lua
plugin_log_httpdir = $(plugindir)/log/http
dist_plugin_log_http_DATA = plugins/log/http/http.lua plugins/log/http/plugin.conf
plugin_auth_api_keysdir = $(plugindir)/auth/api-keys
dist_plugin_auth_api_keys_DATA = plugins/auth/api-keys/api-keys.lua plugins/auth/api-keys/plugin.conf
plugin_storage_copydir = $(plugindir)/storage/copy
dist_plugin_storage_copy_DATA = plugins/storage/copy/copy.lua plugins/storage/copy/plugin.conf
