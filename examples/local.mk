# examples: use the installed headers and the library's public symbols only.
noinst_PROGRAMS += examples/producer examples/async_producer examples/pull_consumer examples/push_consumer \
  examples/transaction_producer
examples_producer_SOURCES = examples/producer.c
examples_producer_LDADD = libmqclient/libmqclient.la
examples_async_producer_SOURCES = examples/async_producer.c
examples_async_producer_LDADD = libmqclient/libmqclient.la
examples_pull_consumer_SOURCES = examples/pull_consumer.c
examples_pull_consumer_LDADD = libmqclient/libmqclient.la
examples_push_consumer_SOURCES = examples/push_consumer.c
examples_push_consumer_LDADD = libmqclient/libmqclient.la
examples_transaction_producer_SOURCES = examples/transaction_producer.c
examples_transaction_producer_LDADD = libmqclient/libmqclient.la
noinst_PROGRAMS += examples/kv
examples_kv_SOURCES = examples/kv.c
examples_kv_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
examples_kv_LDADD = libdledger/api/libdledger.la
