# tests/unit/client: the core in the imagined world, the API over real sockets.
check_PROGRAMS += tests/unit/client/test_client
TESTS += tests/unit/client/test_client
tests_unit_client_test_client_SOURCES = \
  tests/unit/client/fake.c tests/unit/client/fake.h \
  tests/unit/client/rig.c tests/unit/client/rig.h \
  tests/unit/client/test_api.c \
  tests/unit/client/test_asked.c \
  tests/unit/client/test_client.c tests/unit/client/test_client.h \
  tests/unit/client/test_ordered.c \
  tests/unit/client/test_parts.c \
  tests/unit/client/test_push.c \
  tests/unit/client/test_send.c
tests_unit_client_test_client_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
# Linked with the archive, whose inner symbols are there.
tests_unit_client_test_client_LDADD = tests/libharness.la libmqclient/libclientapi.la libmqclient/libclientcore.la \
  host/libuvhost.la host/libsim.la core/libconfig.la core/libremoting.la core/libwire.la core/libport.la \
  core/libbase.la $(UV_LIBS) $(ZLIB_LIBS) $(CUNIT_LIBS)
