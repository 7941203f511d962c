check_PROGRAMS += tests/unit/filter/test_filter
TESTS += tests/unit/filter/test_filter
tests_unit_filter_test_filter_SOURCES = tests/unit/filter/test_filter.c
tests_unit_filter_test_filter_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_filter_test_filter_LDADD = tests/libharness.la core/libfilter.la core/libwire.la core/libport.la core/libbase.la \
  $(ZLIB_LIBS) $(CUNIT_LIBS)
