check_PROGRAMS += tests/unit/sim/test_sim
TESTS += tests/unit/sim/test_sim
tests_unit_sim_test_sim_SOURCES = \
  tests/unit/sim/clock_test.c \
  tests/unit/sim/crash_test.c \
  tests/unit/sim/disk_test.c \
  tests/unit/sim/fault_test.c \
  tests/unit/sim/net_test.c \
  tests/unit/sim/probe.c tests/unit/sim/probe.h \
  tests/unit/sim/test_sim.c tests/unit/sim/test_sim.h \
  tests/unit/sim/whole_test.c
tests_unit_sim_test_sim_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_sim_test_sim_LDADD = tests/libharness.la host/libsim.la core/libport.la core/libbase.la $(CUNIT_LIBS)
