# The conformance suites as a program, for `gantry plugin check`.
pkglibexec_PROGRAMS += gantry-plugin-check
gantry_plugin_check_SOURCES = core/plugincheck/main.c core/plugincheck/subject.c core/plugincheck/subject.h
gantry_plugin_check_LDADD = sdk/libconformance.a sdk/libfakeparts.a $(CORE_LIBS)
