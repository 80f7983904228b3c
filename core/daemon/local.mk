# gantryd: the server is a library of its own, so that tests run it over a core
# of theirs.
noinst_LIBRARIES += core/daemon/libdaemon.a
core_daemon_libdaemon_a_CPPFLAGS = $(core_cppflags) $(OPENSSL_CFLAGS)
core_daemon_libdaemon_a_SOURCES = \
	core/daemon/check.c core/daemon/connection.c core/daemon/connection.h \
	core/daemon/http.c core/daemon/http.h \
	core/daemon/listen.c core/daemon/listen.h \
	core/daemon/main.c \
	core/daemon/notify.c core/daemon/notify.h \
	core/daemon/options.c core/daemon/options.h \
	core/daemon/peer.c core/daemon/peer.h \
	core/daemon/server.c core/daemon/server.h \
	core/daemon/tls.c core/daemon/tls.h \
	core/daemon/upload.c core/daemon/upload.h \
	core/daemon/wire.c core/daemon/wire.h
DAEMON_LIBS = core/daemon/libdaemon.a

sbin_PROGRAMS = gantryd
gantryd_SOURCES =
gantryd_LDADD = $(DAEMON_LIBS) $(CORE_LIBS) $(OPENSSL_LIBS)

dist_man_MANS = docs/man/gantryd.8 docs/man/gantry.conf.5
