# network/bridge
plugin_network_bridgedir = $(plugindir)/network/bridge
plugin_network_bridge_PROGRAMS = plugins/network/bridge/bridge.so
dist_plugin_network_bridge_DATA = plugins/network/bridge/plugin.conf
plugins_network_bridge_bridge_so_SOURCES = \
	plugins/network/bridge/bridge.c \
	plugins/network/bridge/bridge.h \
	plugins/network/bridge/driver.c \
	plugins/network/bridge/endpoint.c \
	plugins/network/bridge/endpoint.h \
	plugins/network/bridge/foreign.c \
	plugins/network/bridge/foreign.h \
	plugins/network/bridge/ipam.c \
	plugins/network/bridge/ipam.h \
	plugins/network/bridge/network.c \
	plugins/network/bridge/network.h \
	plugins/network/bridge/nft.c \
	plugins/network/bridge/nft.h \
	plugins/network/bridge/ports.c \
	plugins/network/bridge/ports.h \
	plugins/network/bridge/rules.c \
	plugins/network/bridge/rules.h \
	plugins/network/bridge/sysctl.c \
	plugins/network/bridge/sysctl.h
plugins_network_bridge_bridge_so_LDFLAGS = $(SHARED_LINK)
plugins_network_bridge_bridge_so_LDADD = $(HELPERS) $(MNL_LIBS) $(JSON_LIBS)
EXTRA_DIST += docs/network-bridge.md
