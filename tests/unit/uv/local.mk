check_PROGRAMS += tests/unit/uv/test_uv
TESTS += tests/unit/uv/test_uv
tests_unit_uv_test_uv_SOURCES = \
  tests/unit/uv/disk_test.c \
  tests/unit/uv/log_test.c \
  tests/unit/uv/loop_test.c \
  tests/unit/uv/main.c \
  tests/unit/uv/net_test.c \
  tests/unit/uv/outbox_test.c \
  tests/unit/uv/thread_test.c \
  tests/unit/uv/uv_test.h tests/unit/uv/world.c
tests_unit_uv_test_uv_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) -D_GNU_SOURCE
tests_unit_uv_test_uv_LDADD = tests/libharness.la host/libuvhost.la core/libport.la core/libbase.la $(CUNIT_LIBS)
