check_PROGRAMS += tests/unit/base/test_base
TESTS += tests/unit/base/test_base
tests_unit_base_test_base_SOURCES = \
  tests/unit/base/memory_test.c \
  tests/unit/base/order_test.c \
  tests/unit/base/test_base.c tests/unit/base/test_base.h \
  tests/unit/base/text_test.c
tests_unit_base_test_base_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_base_test_base_LDADD = tests/libharness.la core/libport.la core/libbase.la $(CUNIT_LIBS)
