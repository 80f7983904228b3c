# `make bench/policy/bench-policy` and run it.

EXTRA_PROGRAMS += bench/policy/bench-policy
bench_policy_bench_policy_SOURCES = bench/policy/bench-policy.c bench/policy/asked.c bench/policy/asked.h
bench_policy_bench_policy_CPPFLAGS = $(AM_CPPFLAGS) $(LUA54_CFLAGS) $(JSON_CFLAGS)
bench_policy_bench_policy_LDADD = tests/libfakehost.a core/libplugin.a $(LUAHOST_LIBS) -ldl -lpthread
