check_PROGRAMS += tests/unit/wire/test_wire
TESTS += tests/unit/wire/test_wire
tests_unit_wire_test_wire_SOURCES = \
  tests/unit/wire/test_bodies.c \
  tests/unit/wire/test_command.c \
  tests/unit/wire/test_json.c \
  tests/unit/wire/test_message.c \
  tests/unit/wire/test_wire.c \
  tests/unit/wire/wire_tests.h
tests_unit_wire_test_wire_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_wire_test_wire_LDADD = tests/libharness.la core/libwire.la core/libport.la core/libbase.la \
  $(ZLIB_LIBS) $(CUNIT_LIBS)
