# Files for the system that gantry is installed on.
systemdunitdir = $(prefix)/lib/systemd/system
dist_systemdunit_DATA = dist/gantryd.socket
nodist_systemdunit_DATA = dist/gantryd.service
EXTRA_DIST += dist/gantryd.service.in dist/make-image
# What a tree needs beside what is compiled: `./quickstart` and `./check` work in it too.
EXTRA_DIST += quickstart LICENSE README.md ARCHITECTURE.md CONTRIBUTING.md SECURITY.md CHANGELOG.md \
	docs tests/integration tests/lib bench/lazy bench/run bench/peers bench/runtime bench/rootless \
	bench/rootless-calls.c sdk/examples/c tests/conformance tests/plugins tests/rootless tests/vm \
	.ci .clang-format .editorconfig
CLEANFILES += dist/gantryd.service

dist/gantryd.service: dist/gantryd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed 's|@sbindir@|$(sbindir)|' $(srcdir)/dist/gantryd.service.in > $@.tmp && mv $@.tmp $@

# A target has its name, so that it cannot stand in EXTRA_DIST.
dist-hook:
	cp -p $(srcdir)/check $(distdir)/check
