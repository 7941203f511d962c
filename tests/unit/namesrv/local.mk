check_PROGRAMS += tests/unit/namesrv/test_namesrv
TESTS += tests/unit/namesrv/test_namesrv
tests_unit_namesrv_test_namesrv_SOURCES = \
  tests/memory.c tests/memory.h \
  tests/unit/namesrv/memory_disk.c tests/unit/namesrv/memory_disk.h \
  tests/unit/namesrv/memory_net.c tests/unit/namesrv/memory_net.h \
  tests/unit/namesrv/stage.c tests/unit/namesrv/stage.h \
  tests/unit/namesrv/test_config.c \
  tests/unit/namesrv/test_hostile.c \
  tests/unit/namesrv/test_kv.c \
  tests/unit/namesrv/test_leases.c \
  tests/unit/namesrv/test_namesrv.c tests/unit/namesrv/test_namesrv.h \
  tests/unit/namesrv/test_register.c \
  tests/unit/namesrv/test_topics.c \
  tests/unit/namesrv/test_torture.c \
  tests/unit/namesrv/test_trace.c
tests_unit_namesrv_test_namesrv_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE $(CUNIT_CFLAGS)
tests_unit_namesrv_test_namesrv_LDFLAGS = $(AM_LDFLAGS) $(WRAP_MEMORY)
tests_unit_namesrv_test_namesrv_LDADD = tests/libharness.la mqnamesrv/libmqnamesrv.la core/libremoting.la \
  core/libconfig.la core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS) $(CUNIT_LIBS)

EXTRA_DIST += tests/golden/namesrv-trace.jsonl
