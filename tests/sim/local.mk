# Random worlds from seeds; the imagined site is shared with tests/story.
check_LTLIBRARIES += tests/sim/libsite.la
tests_sim_libsite_la_SOURCES = \
  tests/sim/broker_program.c \
  tests/sim/chaos.c tests/sim/chaos.h \
  tests/sim/consumer_program.c \
  tests/sim/ledger.c tests/sim/ledger.h \
  tests/sim/namesrv_program.c \
  tests/sim/producer_program.c \
  tests/sim/site.c tests/sim/site.h \
  tests/sim/tap.c tests/sim/tap.h \
  tests/sim/traffic.h

# What the simulators have in common as programs.
check_LTLIBRARIES += tests/sim/libseeds.la
tests_sim_libseeds_la_SOURCES = \
  tests/sim/planted.c tests/sim/planted.h \
  tests/sim/seeds.c tests/sim/seeds.h

check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = \
  tests/sim/audit.c \
  tests/sim/bugs.c \
  tests/sim/faults.c \
  tests/sim/main.c \
  tests/sim/plan.c \
  tests/sim/swarm.c tests/sim/swarm.h
tests_sim_sim_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_commit -Wl,--wrap=store_appended -Wl,--wrap=gate_release \
  -Wl,--wrap=parked_arrived -Wl,--wrap=remoting_reply -Wl,--wrap=consumequeue_put \
  -Wl,--wrap=message_decode
SITE_LIBS = tests/sim/libsite.la mqbroker/libbroker.la mqnamesrv/libmqnamesrv.la libmqclient/libclientcore.la \
  host/libsim.la core/libremoting.la core/libconfig.la core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS)
tests_sim_sim_LDADD = tests/sim/libseeds.la $(SITE_LIBS)

# `make check` runs the first hundred seeds, and sees that the checkers can find bugs.
TESTS += tests/sim/sim tests/sim/find_bugs
if !SANITIZED
TESTS += tests/sim/thousand
endif
EXTRA_DIST += tests/sim/find_bugs tests/sim/thousand
