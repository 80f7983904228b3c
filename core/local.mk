# The core: a library that the programs embed, and the programs around it.

noinst_LIBRARIES += core/libplugin.a
core_libplugin_a_SOURCES = \
	core/plugin/driver.c core/plugin/driver.h \
	core/plugin/native.c core/plugin/native.h
