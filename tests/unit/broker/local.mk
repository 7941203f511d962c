check_PROGRAMS += tests/unit/broker/test_broker
TESTS += tests/unit/broker/test_broker
tests_unit_broker_test_broker_SOURCES = \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/unit/broker/test_broker.c
tests_unit_broker_test_broker_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_broker_test_broker_LDADD = tests/libharness.la mqbroker/libbroker.la host/libsim.la core/libremoting.la \
  core/libconfig.la core/libwire.la core/libport.la core/libbase.la $(CUNIT_LIBS) $(ZLIB_LIBS)

# A master and a slave.
check_PROGRAMS += tests/unit/broker/test_pair
TESTS += tests/unit/broker/test_pair
tests_unit_broker_test_pair_SOURCES = \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/unit/broker/test_pair.c
tests_unit_broker_test_pair_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_broker_test_pair_LDADD = $(tests_unit_broker_test_broker_LDADD)
