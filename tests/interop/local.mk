# Our peer of the interop tests; the others are in java/ and node/. run.sh is no part of `make check`: it needs a JDK,
# mvn, node and a network to fetch the originals from.
noinst_PROGRAMS += tests/interop/mqpeer
tests_interop_mqpeer_SOURCES = \
  tests/interop/mqpeer.c tests/interop/peer.h \
  tests/interop/peer_consume.c \
  tests/interop/peer_payload.c \
  tests/interop/peer_produce.c \
  tests/interop/peer_tally.c tests/interop/peer_tally.h \
  tests/interop/peer_transact.c
tests_interop_mqpeer_LDADD = libmqclient/libmqclient.la

# Our side of ledger.sh.
noinst_PROGRAMS += tests/interop/ledgerpeer
tests_interop_ledgerpeer_SOURCES = tests/interop/ledgerpeer.c
tests_interop_ledgerpeer_LDADD = libdledger/libdledger.la host/libuvhost.la core/libconfig.la core/libwire.la \
  core/libport.la core/libbase.la $(UV_LIBS) $(ZLIB_LIBS)

# What codes.sh asks with.
noinst_PROGRAMS += tests/interop/codepeer
tests_interop_codepeer_SOURCES = tests/interop/codepeer.c tests/system/peer.h tests/system/peer_conn.c
tests_interop_codepeer_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_interop_codepeer_LDADD = core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS)

# What compares stores (storediff.sh, pingpong.sh).
noinst_PROGRAMS += tests/interop/storediff/storediff tests/interop/storediff/storepeer
tests_interop_storediff_storediff_SOURCES = \
  tests/interop/storediff/diff_files.c \
  tests/interop/storediff/diff_json.c \
  tests/interop/storediff/diff_log.c \
  tests/interop/storediff/storediff.c tests/interop/storediff/storediff.h
tests_interop_storediff_storediff_LDADD = core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS)
tests_interop_storediff_storepeer_SOURCES = \
  tests/interop/storediff/storepeer.c tests/interop/storediff/storepeer.h \
  tests/interop/storediff/storepeer_load.c \
  tests/interop/storediff/storepeer_read.c \
  tests/system/peer.h tests/system/peer_conn.c tests/system/peer_message.c
tests_interop_storediff_storepeer_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_interop_storediff_storepeer_LDADD = core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS)

EXTRA_DIST += \
  tests/interop/README.md \
  tests/interop/acl.sh \
  tests/interop/codes.sh \
  tests/interop/codes_broker.txt \
  tests/interop/codes_namesrv.txt \
  tests/interop/dledger_brokers.sh \
  tests/interop/dledger_mixed.sh \
  tests/interop/kill9.sh \
  tests/interop/ledger.sh \
  tests/interop/lib.sh \
  tests/interop/pingpong.sh \
  tests/interop/read_store.sh \
  tests/interop/repaired.sh \
  tests/interop/retries.sh \
  tests/interop/replication.sh \
  tests/interop/run.sh \
  tests/interop/shared_group.sh \
  tests/interop/sql_filters.sh \
  tests/interop/transactions.sh \
  tests/interop/storediff/storediff.sh \
  tests/interop/java/Args.java \
  tests/interop/java/Consume.java \
  tests/interop/java/Keys.java \
  tests/interop/java/LedgerServer.java \
  tests/interop/java/Payload.java \
  tests/interop/java/Produce.java \
  tests/interop/java/Retries.java \
  tests/interop/java/Topics.java \
  tests/interop/java/Transact.java \
  tests/interop/java/pom.xml \
  tests/interop/node/payload.js \
  tests/interop/node/consume.js \
  tests/interop/node/dledger_append.js \
  tests/interop/node/package-lock.json \
  tests/interop/node/package.json \
  tests/interop/node/produce.js
