# Random worlds of a master and its slaves.
check_PROGRAMS += tests/sim/replicas/replicas
tests_sim_replicas_replicas_SOURCES = \
  tests/sim/replicas/bugs.c \
  tests/sim/replicas/check.c \
  tests/sim/replicas/course.c \
  tests/sim/replicas/faults.c \
  tests/sim/replicas/main.c \
  tests/sim/replicas/plan.c \
  tests/sim/replicas/replicas.h
tests_sim_replicas_replicas_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=gate_release -Wl,--wrap=store_commit \
  -Wl,--wrap=store_log_max -Wl,--wrap=store_last_record -Wl,--wrap=store_raw_forget -Wl,--wrap=store_append_raw
tests_sim_replicas_replicas_LDADD = tests/sim/libseeds.la $(SITE_LIBS)
TESTS += tests/sim/replicas/replicas tests/sim/replicas/find_bugs
if !SANITIZED
TESTS += tests/sim/replicas/thousand
endif
EXTRA_DIST += tests/sim/replicas/find_bugs tests/sim/replicas/thousand
