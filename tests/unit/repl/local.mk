check_PROGRAMS += tests/unit/repl/test_repl
TESTS += tests/unit/repl/test_repl
tests_unit_repl_test_repl_SOURCES = \
  tests/unit/repl/rig.c tests/unit/repl/rig.h \
  tests/unit/repl/suites.h \
  tests/unit/repl/test_golden.c \
  tests/unit/repl/test_history.c \
  tests/unit/repl/test_master.c \
  tests/unit/repl/test_raw.c \
  tests/unit/repl/test_repl.c \
  tests/unit/repl/test_slave.c
tests_unit_repl_test_repl_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_repl_test_repl_LDADD = tests/golden/libgolden.la tests/libharness.la mqbroker/librepl.la mqbroker/libstore.la \
  host/libsim.la core/libwire.la core/libport.la core/libbase.la $(CUNIT_LIBS) $(ZLIB_LIBS)
