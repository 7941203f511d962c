# tests/interop
check_PROGRAMS += tests/interop/mqpeer
tests_interop_mqpeer_SOURCES = tests/interop/mqpeer.c
tests_interop_mqpeer_LDADD = libmqclient/libmqclient.la
