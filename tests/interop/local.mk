# Our peer of the interop tests; the others are in java/ and node/. run.sh is no part of `make check`: it needs a JDK,
# mvn, node and a network to fetch the originals from.
noinst_PROGRAMS += tests/interop/mqpeer
tests_interop_mqpeer_SOURCES = \
  tests/interop/mqpeer.c tests/interop/peer.h \
  tests/interop/peer_consume.c \
  tests/interop/peer_payload.c \
  tests/interop/peer_produce.c \
  tests/interop/peer_tally.c tests/interop/peer_tally.h
tests_interop_mqpeer_LDADD = libmqclient/libmqclient.la

EXTRA_DIST += \
  tests/interop/README.md \
  tests/interop/kill9.sh \
  tests/interop/lib.sh \
  tests/interop/read_store.sh \
  tests/interop/run.sh \
  tests/interop/shared_group.sh \
  tests/interop/java/Args.java \
  tests/interop/java/Consume.java \
  tests/interop/java/Payload.java \
  tests/interop/java/Produce.java \
  tests/interop/java/Topics.java \
  tests/interop/java/pom.xml \
  tests/interop/node/payload.js \
  tests/interop/node/consume.js \
  tests/interop/node/package-lock.json \
  tests/interop/node/package.json \
  tests/interop/node/produce.js
