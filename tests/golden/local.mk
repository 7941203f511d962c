# Bytes made by Java RocketMQ 4.7.0 against our readers and writers.
GOLDEN_LIBS = tests/libharness.la core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS) $(CUNIT_LIBS)
check_LTLIBRARIES += tests/golden/libgolden.la
tests_golden_libgolden_la_SOURCES = tests/golden/golden.c tests/golden/golden.h
tests_golden_libgolden_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)

GOLDEN_TESTS = tests/golden/test_frames
check_PROGRAMS += $(GOLDEN_TESTS)
TESTS += $(GOLDEN_TESTS)
tests_golden_test_frames_SOURCES = tests/golden/test_frames.c
tests_golden_test_frames_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_golden_test_frames_LDADD = tests/golden/libgolden.la $(GOLDEN_LIBS)

EXTRA_DIST += \
  tests/golden/frames/binary.jsonl \
  tests/golden/frames/bodies.jsonl \
  tests/golden/frames/frames.jsonl \
  tests/golden/frames/lenient.jsonl \
  tests/golden/hashes/hashes.jsonl
