core_libsign_la_SOURCES = core/sign/sign.c core/sign/sign.h
core_libsign_la_LIBADD = $(CRYPTO_LIBS)
core_libsign_la_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
