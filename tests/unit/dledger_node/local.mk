check_PROGRAMS += tests/unit/dledger_node/test_node
TESTS += tests/unit/dledger_node/test_node
tests_unit_dledger_node_test_node_SOURCES = \
  tests/unit/dledger_node/cluster.c tests/unit/dledger_node/cluster.h \
  tests/unit/dledger_node/test_node.c
tests_unit_dledger_node_test_node_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_dledger_node_test_node_LDADD = tests/libharness.la libdledger/libdledger.la libdledger/libraft.la host/libsim.la \
  core/libremoting.la core/libconfig.la core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS) $(CUNIT_LIBS)
