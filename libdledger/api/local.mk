# The installed library: a member on a thread of its own.
lib_LTLIBRARIES += libdledger/api/libdledger.la
pkgconfig_DATA += libdledger/libdledger.pc
dledgerdir = $(includedir)/dledger
dledger_HEADERS = include/dledger/dledger.h
libdledger_api_libdledger_la_SOURCES = libdledger/api/dledger.c
libdledger_api_libdledger_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -export-symbols-regex '^dledger_'
libdledger_api_libdledger_la_LIBADD = libdledger/libdledger.la libdledger/libraft.la host/libuvhost.la core/libconfig.la \
  core/libremoting.la core/libwire.la core/libport.la core/libbase.la $(UV_LIBS) $(ZLIB_LIBS)
