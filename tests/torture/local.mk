# One life of a broker with a crash or a failure at each of its disk calls and allocations.
check_PROGRAMS += tests/torture/torture
tests_torture_torture_SOURCES = \
  tests/alone.c tests/alone.h \
  tests/memory.c tests/memory.h \
  tests/torture/book.c tests/torture/book.h \
  tests/torture/check.c tests/torture/check.h \
  tests/torture/exam.c tests/torture/exam.h \
  tests/torture/fault.c tests/torture/fault.h \
  tests/torture/lens.c tests/torture/lens.h \
  tests/torture/life.c tests/torture/life.h \
  tests/torture/main.c \
  tests/torture/stand.c tests/torture/stand.h
tests_torture_torture_LDFLAGS = $(AM_LDFLAGS) $(WRAP_MEMORY)
tests_torture_torture_LDADD = mqbroker/libbroker.la host/libsim.la core/libremoting.la core/libconfig.la \
  core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS)
TESTS += tests/torture/torture
