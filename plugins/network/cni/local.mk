# network/cni
plugin_network_cnidir = $(plugindir)/network/cni
plugin_network_cni_PROGRAMS = plugins/network/cni/cni.so
dist_plugin_network_cni_DATA = plugins/network/cni/plugin.conf
CNI_PARSE = plugins/network/cni/conf.c plugins/network/cni/conf.h \
	plugins/network/cni/exec.c plugins/network/cni/exec.h \
	plugins/network/cni/make.c \
	plugins/network/cni/result.c plugins/network/cni/result.h
plugins_network_cni_cni_so_SOURCES = $(CNI_PARSE) \
	plugins/network/cni/attachment.c \
	plugins/network/cni/chain.c plugins/network/cni/chain.h \
	plugins/network/cni/cni.h \
	plugins/network/cni/driver.c \
	plugins/network/cni/standin.c \
	plugins/network/cni/subnets.c
plugins_network_cni_cni_so_LDFLAGS = $(SHARED_LINK)
plugins_network_cni_cni_so_LDADD = $(HELPERS) $(MNL_LIBS) $(JSON_LIBS)
