# libmqclient: the rooms of the client without I/O, then the public API that gives them a loop and threads.
noinst_LTLIBRARIES += libmqclient/libclientcore.la libmqclient/libclientapi.la

libmqclient_libclientcore_la_SOURCES = \
  libmqclient/allocate.c libmqclient/allocate.h \
  libmqclient/client.c libmqclient/client.h \
  libmqclient/consume.c \
  libmqclient/consumer_pull.c libmqclient/consumer_pull.h \
  libmqclient/consumer_push.c libmqclient/consumer_push.h \
  libmqclient/heartbeat.c \
  libmqclient/message.c libmqclient/message.h \
  libmqclient/name_servers.c libmqclient/name_servers.h \
  libmqclient/offsets.c libmqclient/offsets.h \
  libmqclient/ordered.c \
  libmqclient/process_queue.c libmqclient/process_queue.h \
  libmqclient/producer.c libmqclient/producer.h \
  libmqclient/push_offsets.c \
  libmqclient/push_pull.c \
  libmqclient/rebalance.c \
  libmqclient/pull.c libmqclient/pull.h \
  libmqclient/queue_query.c libmqclient/queue_query.h \
  libmqclient/route.c libmqclient/route.h \
  libmqclient/subscription.c libmqclient/subscription.h \
  libmqclient/transaction.c libmqclient/transaction.h

lib_LTLIBRARIES += libmqclient/libmqclient.la
pkgconfig_DATA += libmqclient/libmqclient.pc
mqclientdir = $(includedir)/mqclient
mqclient_HEADERS = \
  include/mqclient/client.h \
  include/mqclient/config.h \
  include/mqclient/error.h \
  include/mqclient/message.h \
  include/mqclient/mqclient.h \
  include/mqclient/producer.h \
  include/mqclient/pull_consumer.h \
  include/mqclient/push_consumer.h \
  include/mqclient/transaction_producer.h

libmqclient_libclientapi_la_SOURCES = \
  libmqclient/api_error.c \
  libmqclient/api_message.c \
  libmqclient/api_producer.c libmqclient/api_producer.h \
  libmqclient/api_pull.c \
  libmqclient/api_push.c \
  libmqclient/api_transaction.c \
  libmqclient/instance.c libmqclient/instance.h \
  libmqclient/settings.c libmqclient/settings.h \
  libmqclient/slots.c libmqclient/slots.h \
  libmqclient/uniq_id.c libmqclient/uniq_id.h
libmqclient_libmqclient_la_SOURCES =
libmqclient_libmqclient_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -export-symbols-regex '^mq_'
libmqclient_libmqclient_la_LIBADD = libmqclient/libclientapi.la libmqclient/libclientcore.la host/libuvhost.la core/libconfig.la \
  core/libremoting.la core/libwire.la core/libport.la core/libbase.la $(UV_LIBS) $(ZLIB_LIBS)
