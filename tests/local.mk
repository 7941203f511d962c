check_LTLIBRARIES += tests/libharness.la
tests_libharness_la_SOURCES = tests/harness.c tests/harness.h
tests_libharness_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_libharness_la_LIBADD = $(CUNIT_LIBS)

# For programs with tests/memory.c.
WRAP_MEMORY = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup

include tests/unit/local.mk
include tests/golden/local.mk
include tests/story/local.mk
include tests/sim/local.mk
include tests/sim/raft/local.mk
include tests/sim/replicas/local.mk
include tests/torture/local.mk
include tests/fuzz/local.mk
include tests/system/local.mk
include tests/interop/local.mk
include tests/bench/local.mk
