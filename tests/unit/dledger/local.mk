# tests/unit/dledger
check_PROGRAMS += tests/unit/dledger/test_dledger
TESTS += tests/unit/dledger/test_dledger
tests_unit_dledger_test_dledger_SOURCES = \
  tests/alone.c tests/alone.h \
  tests/memory.c tests/memory.h \
  tests/unit/dledger/rig.c tests/unit/dledger/rig.h \
  tests/unit/dledger/suites.h \
  tests/unit/dledger/test_append.c \
  tests/unit/dledger/test_batch.c \
  tests/unit/dledger/test_crash.c \
  tests/unit/dledger/test_cut.c \
  tests/unit/dledger/test_dledger.c \
  tests/unit/dledger/test_golden.c \
  tests/unit/dledger/test_marks.c \
  tests/unit/dledger/test_memory.c \
  tests/unit/dledger/test_message.c \
  tests/unit/dledger/test_peers.c \
  tests/unit/dledger/test_recover.c
tests_unit_dledger_test_dledger_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_dledger_test_dledger_LDADD = tests/libharness.la libdledger/libdledger.la host/libsim.la \
  core/libconfig.la core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS) $(CUNIT_LIBS)
tests_unit_dledger_test_dledger_LDFLAGS = $(AM_LDFLAGS) $(WRAP_MEMORY)
