# auth/token
plugin_auth_tokendir = $(plugindir)/auth/token
plugin_auth_token_PROGRAMS = plugins/auth/token/token.so
dist_plugin_auth_token_DATA = plugins/auth/token/plugin.conf
plugins_auth_token_token_so_SOURCES = plugins/auth/token/driver.c
plugins_auth_token_token_so_LDFLAGS = $(SHARED_LINK)
plugins_auth_token_token_so_LDADD = $(HELPERS) $(JSON_LIBS) $(CRYPTO_LIBS) -lpthread
