# tests/unit/mqstore
check_PROGRAMS += tests/unit/mqstore/test_mqstore
TESTS += tests/unit/mqstore/test_mqstore
tests_unit_mqstore_test_mqstore_SOURCES = \
  tests/golden/expected.c tests/golden/expected.h \
  tests/unit/mqstore/rig.c tests/unit/mqstore/rig.h \
  tests/unit/mqstore/suites.h \
  tests/unit/mqstore/test_damage.c \
  tests/unit/mqstore/test_end.c \
  tests/unit/mqstore/test_golden.c \
  tests/unit/mqstore/test_mqstore.c \
  tests/unit/mqstore/test_rebuild.c \
  tests/unit/mqstore/test_repair.c \
  tests/unit/mqstore/test_usage.c \
  tests/unit/mqstore/verdict.c tests/unit/mqstore/verdict.h
tests_unit_mqstore_test_mqstore_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_mqstore_test_mqstore_LDADD = tests/libharness.la tools/mqstore/libmqstore.la host/libuvhost.la \
  libdledger/libdledger.la core/libconfig.la core/libwire.la core/libport.la core/libbase.la $(UV_LIBS) $(ZLIB_LIBS) $(CUNIT_LIBS)
EXTRA_DIST += \
  tests/golden/store/store-e-dledger-bare.tar.gz \
  tests/golden/store/store-e-dledger.tar.gz \
  tests/golden/store/store-g-ext.tar.gz \
  tests/golden/store/store-i-again.tar.gz
