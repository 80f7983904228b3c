noinst_PROGRAMS += bench-plugin bench/plugin/driver.so
bench_plugin_SOURCES = bench/plugin/bench.c bench/plugin/http.c bench/plugin/http.h \
	core/shim/batch.c core/shim/batch.h
bench_plugin_LDADD = core/libplugin.a $(HELPERS) $(JSON_LIBS) -ldl -lpthread
bench_plugin_driver_so_SOURCES = bench/plugin/driver.c
bench_plugin_driver_so_LDFLAGS = $(SHARED_LINK)
EXTRA_DIST += bench/plugin/run bench/plugin/trip.py
