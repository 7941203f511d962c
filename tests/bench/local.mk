# Built by `make check`, run by hand: numbers, not verdicts.
check_PROGRAMS += tests/bench/bench_loop
tests_bench_bench_loop_SOURCES = tests/bench/bench_loop.c
tests_bench_bench_loop_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_bench_bench_loop_LDADD = host/libuvhost.la core/libport.la core/libbase.la

# Makes the way between a master and its slave longer (replication.sh).
check_PROGRAMS += tests/bench/relay
tests_bench_relay_SOURCES = tests/bench/relay.c
tests_bench_relay_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE

EXTRA_DIST += tests/bench/lib.sh tests/bench/dledger.sh tests/bench/recovery.sh tests/bench/replication.sh tests/bench/run.sh tests/bench/store.sh
