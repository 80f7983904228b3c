# `make bench/policy/bench-policy` and run it.

EXTRA_PROGRAMS += bench/policy/bench-policy
bench_policy_bench_policy_SOURCES = bench/policy/bench-policy.c
bench_policy_bench_policy_CPPFLAGS = $(AM_CPPFLAGS) $(LUA54_CFLAGS) $(JSON_CFLAGS)
bench_policy_bench_policy_LDADD = $(LUAHOST_LIBS)
