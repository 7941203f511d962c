check_PROGRAMS += tests/unit/config/test_config
TESTS += tests/unit/config/test_config
tests_unit_config_test_config_SOURCES = \
  tests/unit/config/config_tests.h \
  tests/unit/config/test_config.c \
  tests/unit/config/test_properties.c
tests_unit_config_test_config_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_config_test_config_LDADD = tests/libharness.la core/libconfig.la core/libbase.la $(CUNIT_LIBS)
