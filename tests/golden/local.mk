# Bytes made by Java RocketMQ 4.7.0 against our readers and writers.
GOLDEN_LIBS = tests/libharness.la core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS) $(CUNIT_LIBS)
check_LTLIBRARIES += tests/golden/libgolden.la
tests_golden_libgolden_la_SOURCES = tests/golden/golden.c tests/golden/golden.h
tests_golden_libgolden_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)

GOLDEN_TESTS = \
  tests/golden/test_binary \
  tests/golden/test_bodies \
  tests/golden/test_frames \
  tests/golden/test_hashes \
  tests/golden/test_sql92
check_PROGRAMS += $(GOLDEN_TESTS)
TESTS += $(GOLDEN_TESTS)
tests_golden_test_binary_SOURCES = tests/golden/test_binary.c
tests_golden_test_binary_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_golden_test_binary_LDADD = tests/golden/libgolden.la $(GOLDEN_LIBS)
tests_golden_test_bodies_SOURCES = tests/golden/test_bodies.c
tests_golden_test_bodies_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_golden_test_bodies_LDADD = tests/golden/libgolden.la $(GOLDEN_LIBS)
tests_golden_test_frames_SOURCES = tests/golden/test_frames.c
tests_golden_test_frames_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_golden_test_frames_LDADD = tests/golden/libgolden.la $(GOLDEN_LIBS)
tests_golden_test_hashes_SOURCES = tests/golden/test_hashes.c
tests_golden_test_hashes_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_golden_test_hashes_LDADD = tests/golden/libgolden.la $(GOLDEN_LIBS)
tests_golden_test_sql92_SOURCES = tests/golden/test_sql92.c
tests_golden_test_sql92_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_golden_test_sql92_LDADD = tests/golden/libgolden.la core/libfilter.la $(GOLDEN_LIBS)

EXTRA_DIST += \
  tests/golden/filters/bitmaps.jsonl \
  tests/golden/filters/consumerFilter.json \
  tests/golden/frames/binary.jsonl \
  tests/golden/frames/bodies.jsonl \
  tests/golden/frames/frames.jsonl \
  tests/golden/frames/lenient.jsonl \
  tests/golden/hashes/hashes.jsonl \
  tests/golden/ha/fresh.jsonl tests/golden/ha/resume.jsonl \
  tests/golden/hashes/sql92.jsonl \
  tests/golden/hashes/sql92-random.jsonl

# Whole store directories; tests/unit/store opens them.
EXTRA_DIST += \
  tests/golden/store/expected.py tests/golden/store/index.py tests/golden/store/ledger.py \
  tests/golden/dledger-trace.jsonl.gz \
  tests/golden/store/store-e-dledger.expected.gz tests/golden/store/store-e-dledger-bare.expected.gz \
  tests/golden/store/store-a-normal.index.gz tests/golden/store/store-b-unclean.index.gz \
  tests/golden/store/store-c-delay.index.gz tests/golden/store/store-d-tx.index.gz \
  tests/golden/store/store-h-ipv6.index.gz \
  tests/golden/store/store-a-normal.expected.json.gz \
  tests/golden/store/store-b-killed.expected.json.gz \
  tests/golden/store/store-b-lag.expected.json.gz \
  tests/golden/store/store-b-noqueue.expected.json.gz \
  tests/golden/store/store-c-delay.expected.json.gz \
  tests/golden/store/store-d-tx.expected.json.gz \
  tests/golden/store/store-e-dledger.expected.json.gz \
  tests/golden/store/store-e-dledger-bare.expected.json.gz \
  tests/golden/store/store-g-ext.expected.json.gz \
  tests/golden/store/store-h-ipv6.expected.json.gz \
  tests/golden/store/store-a-normal.expected.gz tests/golden/store/store-a-normal.tar.gz \
  tests/golden/store/store-b-killed.tar.gz \
  tests/golden/store/store-b-lag.tar.gz \
  tests/golden/store/store-b-noqueue.tar.gz \
  tests/golden/store/store-b-unclean.expected.gz \
  tests/golden/store/store-c-delay.expected.gz tests/golden/store/store-c-delay.tar.gz \
  tests/golden/store/store-d-tx.expected.gz tests/golden/store/store-d-tx.tar.gz \
  tests/golden/store/store-h-ipv6.expected.gz tests/golden/store/store-h-ipv6.tar.gz
