# The conformance kit: a suite per kind, whose skeleton is generated, so that an operation
# without a test does not link.
SUITES = api auth cluster log monitor network policy runtime spec storage transport volume
SUITE_SKELETONS = $(SUITES:%=sdk/generated/conformance/%.h)
BUILT_SOURCES += $(SUITE_SKELETONS)
CLEANFILES += $(SUITE_SKELETONS)
sdk/generated/conformance/%.h: sdk/interfaces/%.lua sdk/generate.lua
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(GENERATE) conformance $< > $@.tmp && mv $@.tmp $@

noinst_LIBRARIES += sdk/libconformance.a
sdk_libconformance_a_SOURCES = \
	sdk/conformance/children.c sdk/conformance/children.h \
	sdk/conformance/crash.c \
	sdk/conformance/generic.c \
	sdk/conformance/hostile.c \
	sdk/conformance/kinds.c \
	sdk/conformance/kinds/api.c \
	sdk/conformance/kinds/auth.c \
	sdk/conformance/kinds/cluster.c \
	sdk/conformance/kinds/log.c \
	sdk/conformance/kinds/monitor.c \
	sdk/conformance/kinds/network.c \
	sdk/conformance/kinds/policy.c \
	sdk/conformance/kinds/runtime.c \
	sdk/conformance/kinds/spec.c \
	sdk/conformance/kinds/storage.c \
	sdk/conformance/kinds/transport.c \
	sdk/conformance/kinds/volume.c \
	sdk/conformance/kit.c sdk/conformance/kit.h \
	sdk/conformance/latency.c sdk/conformance/latency.h \
	sdk/conformance/leaks.c \
	sdk/conformance/report.c sdk/conformance/result.h \
	sdk/conformance/suite.c sdk/conformance/suite.h
