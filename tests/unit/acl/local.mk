check_PROGRAMS += tests/unit/acl/test_acl
TESTS += tests/unit/acl/test_acl
tests_unit_acl_test_acl_SOURCES = tests/unit/acl/test_acl.c tests/unit/acl/test_address.c tests/unit/acl/suites.h
tests_unit_acl_test_acl_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_acl_test_acl_LDADD = tests/libharness.la mqbroker/libacl.la core/libsign.la core/libwire.la core/libport.la \
  core/libbase.la $(ZLIB_LIBS) $(CUNIT_LIBS)
