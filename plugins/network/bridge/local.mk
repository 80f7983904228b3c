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
	plugins/network/bridge/ground.c \
	plugins/network/bridge/ground.h \
	plugins/network/bridge/ipam.c \
	plugins/network/bridge/ipam.h \
	plugins/network/bridge/network.c \
	plugins/network/bridge/network.h \
	plugins/network/bridge/nft.c \
	plugins/network/bridge/nft.h \
	plugins/network/bridge/ports.c \
	plugins/network/bridge/ports.h \
	plugins/network/bridge/publish.c \
	plugins/network/bridge/publish.h \
	plugins/network/bridge/rules.c \
	plugins/network/bridge/rules.h \
	plugins/network/bridge/sysctl.c \
	plugins/network/bridge/sysctl.h \
	plugins/network/bridge/usernet.c \
	plugins/network/bridge/usernet.h
plugins_network_bridge_bridge_so_CPPFLAGS = $(AM_CPPFLAGS) -DLIBEXECDIR='"$(pkglibexecdir)"'
plugins_network_bridge_bridge_so_LDFLAGS = $(SHARED_LINK)
plugins_network_bridge_bridge_so_LDADD = $(HELPERS) $(MNL_LIBS) $(JSON_LIBS)
EXTRA_DIST += docs/network-bridge.md

# The processes behind the networks of ordinary users.
pkglibexec_PROGRAMS += gantry-usernet
gantry_usernet_SOURCES = \
	plugins/network/bridge/usernet/forward.c \
	plugins/network/bridge/usernet/give.c \
	plugins/network/bridge/usernet/hold.c \
	plugins/network/bridge/usernet/loop.c \
	plugins/network/bridge/usernet/main.c \
	plugins/network/bridge/usernet/packet.c \
	plugins/network/bridge/usernet/packet.h \
	plugins/network/bridge/usernet/processes.h \
	plugins/network/bridge/usernet/relay.c \
	plugins/network/bridge/usernet/tcp.c \
	plugins/network/bridge/usernet/udp.c
gantry_usernet_LDADD = $(HELPERS) $(MNL_LIBS)
