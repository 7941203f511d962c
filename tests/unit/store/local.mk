# tests/unit/store
check_PROGRAMS += tests/unit/store/test_store
TESTS += tests/unit/store/test_store
tests_unit_store_test_store_SOURCES = \
  tests/alone.c tests/alone.h \
  tests/golden/expected.c tests/golden/expected.h \
  tests/golden/expected_record.c \
  tests/golden/unpack.c tests/golden/unpack.h \
  tests/unit/store/facts.c tests/unit/store/facts.h \
  tests/unit/store/rig.c tests/unit/store/rig.h \
  tests/unit/store/suites.h \
  tests/unit/store/test_facts.c \
  tests/unit/store/test_format.c \
  tests/unit/store/test_get.c \
  tests/unit/store/test_golden.c \
  tests/unit/store/test_index.c \
  tests/unit/store/test_index_golden.c \
  tests/unit/store/test_index_recover.c \
  tests/unit/store/test_many.c \
  tests/unit/store/test_model.c \
  tests/unit/store/test_put.c \
  tests/unit/store/test_queue_ext.c \
  tests/unit/store/test_recover.c \
  tests/unit/store/test_refuse.c \
  tests/unit/store/test_retention.c \
  tests/unit/store/test_store.c
tests_unit_store_test_store_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_store_test_store_LDADD = tests/libharness.la mqbroker/libstore.la host/libsim.la \
  core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS) $(CUNIT_LIBS)
