check_PROGRAMS += tests/unit/broker/test_broker
TESTS += tests/unit/broker/test_broker
tests_unit_broker_test_broker_SOURCES = \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/golden/unpack.c tests/golden/unpack.h \
  tests/unit/broker/test_broker.c
tests_unit_broker_test_broker_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_broker_test_broker_LDADD = tests/libharness.la mqbroker/libbroker.la host/libsim.la core/libremoting.la \
  core/libconfig.la core/libwire.la core/libport.la core/libbase.la $(CUNIT_LIBS) $(ZLIB_LIBS)
check_PROGRAMS += tests/unit/broker/test_filters
TESTS += tests/unit/broker/test_filters
tests_unit_broker_test_filters_SOURCES = \
  tests/golden/unpack.c tests/golden/unpack.h \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/unit/broker/test_filters.c
tests_unit_broker_test_filters_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_broker_test_filters_LDADD = tests/libharness.la tests/golden/libgolden.la mqbroker/libbroker.la host/libsim.la \
  core/libremoting.la core/libconfig.la core/libwire.la core/libport.la core/libbase.la $(CUNIT_LIBS) $(ZLIB_LIBS)

check_PROGRAMS += tests/unit/broker/test_golden_stores
TESTS += tests/unit/broker/test_golden_stores
tests_unit_broker_test_golden_stores_SOURCES = \
  tests/golden/expected.c tests/golden/expected.h \
  tests/golden/expected_record.c \
  tests/golden/unpack.c tests/golden/unpack.h \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/unit/broker/test_golden_stores.c
tests_unit_broker_test_golden_stores_CPPFLAGS = $(tests_unit_broker_test_broker_CPPFLAGS)
tests_unit_broker_test_golden_stores_LDADD = $(tests_unit_broker_test_broker_LDADD)

# A master and a slave.
check_PROGRAMS += tests/unit/broker/test_pair
TESTS += tests/unit/broker/test_pair
tests_unit_broker_test_pair_SOURCES = \
  tests/golden/unpack.c tests/golden/unpack.h \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/unit/broker/test_pair.c
tests_unit_broker_test_pair_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_broker_test_pair_LDADD = $(tests_unit_broker_test_broker_LDADD)

# Three that keep one log.
check_PROGRAMS += tests/unit/broker/test_trio
TESTS += tests/unit/broker/test_trio
tests_unit_broker_test_trio_SOURCES = \
  tests/golden/unpack.c tests/golden/unpack.h \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/unit/broker/test_trio.c
tests_unit_broker_test_trio_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_broker_test_trio_LDADD = $(tests_unit_broker_test_broker_LDADD)

check_PROGRAMS += tests/unit/broker/test_delays
TESTS += tests/unit/broker/test_delays
tests_unit_broker_test_delays_SOURCES = \
  tests/golden/unpack.c tests/golden/unpack.h \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/unit/broker/test_delays.c
tests_unit_broker_test_delays_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_broker_test_delays_LDADD = $(tests_unit_broker_test_broker_LDADD)

check_PROGRAMS += tests/unit/broker/test_retries
TESTS += tests/unit/broker/test_retries
tests_unit_broker_test_retries_SOURCES = \
  tests/golden/unpack.c tests/golden/unpack.h \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/unit/broker/test_retries.c
tests_unit_broker_test_retries_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_broker_test_retries_LDADD = $(tests_unit_broker_test_broker_LDADD)

check_PROGRAMS += tests/unit/broker/test_transactions
TESTS += tests/unit/broker/test_transactions
tests_unit_broker_test_transactions_SOURCES = \
  tests/golden/unpack.c tests/golden/unpack.h \
  tests/unit/broker/stage.c tests/unit/broker/stage.h \
  tests/unit/broker/test_transactions.c
tests_unit_broker_test_transactions_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_broker_test_transactions_LDADD = $(tests_unit_broker_test_broker_LDADD)
