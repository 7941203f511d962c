# libmqclient: the rooms of the client without I/O, then the public API that gives them a loop and threads.
noinst_LTLIBRARIES += libmqclient/libclientcore.la

libmqclient_libclientcore_la_SOURCES = \
  libmqclient/client.c libmqclient/client.h \
  libmqclient/consumer_pull.c libmqclient/consumer_pull.h \
  libmqclient/heartbeat.c \
  libmqclient/message.c libmqclient/message.h \
  libmqclient/name_servers.c libmqclient/name_servers.h \
  libmqclient/offsets.c libmqclient/offsets.h \
  libmqclient/producer.c libmqclient/producer.h \
  libmqclient/pull.c libmqclient/pull.h \
  libmqclient/queue_query.c libmqclient/queue_query.h \
  libmqclient/route.c libmqclient/route.h \
  libmqclient/subscription.c libmqclient/subscription.h
