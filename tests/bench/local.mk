# Built by `make check`, run by hand: numbers, not verdicts.
check_PROGRAMS += tests/bench/bench_loop
tests_bench_bench_loop_SOURCES = tests/bench/bench_loop.c
tests_bench_bench_loop_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_bench_bench_loop_LDADD = host/libuvhost.la core/libport.la core/libbase.la
EXTRA_DIST += tests/bench/recovery.sh tests/bench/run.sh
