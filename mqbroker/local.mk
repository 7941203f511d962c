# The broker: everything but main is a library, so that the simulator can run it.
noinst_LTLIBRARIES += mqbroker/libbroker.la
mqbroker_libbroker_la_SOURCES = \
  mqbroker/broker.c mqbroker/broker.h \
  mqbroker/member.c mqbroker/member.h \
  mqbroker/progress.c mqbroker/progress.h \
  mqbroker/registration.c mqbroker/registration.h \
  mqbroker/settings.c mqbroker/settings.h \
  mqbroker/turn.c \
  mqbroker/delay/delay_record.c mqbroker/delay/delay_record.h \
  mqbroker/delay/delays.c mqbroker/delay/delays.h \
  mqbroker/delay/delays_file.c \
  mqbroker/door/dispatch.c mqbroker/door/dispatch.h mqbroker/door/request.h \
  mqbroker/gate/gate.c mqbroker/gate/gate.h \
  mqbroker/gate/parked.c mqbroker/gate/parked.h \
  mqbroker/handle/clean.c \
  mqbroker/handle/client.c \
  mqbroker/handle/group.c \
  mqbroker/handle/handle.h \
  mqbroker/handle/lock.c \
  mqbroker/handle/offset.c \
  mqbroker/handle/pull.c \
  mqbroker/handle/pull_filter.c mqbroker/handle/pull_filter.h \
  mqbroker/handle/query.c \
  mqbroker/handle/reply.c \
  mqbroker/handle/runtime.c \
  mqbroker/handle/send.c \
  mqbroker/handle/send_back.c \
  mqbroker/handle/send_reply.c \
  mqbroker/handle/topic.c \
  mqbroker/handle/transaction.c \
  mqbroker/handle/slave.c \
  mqbroker/reseed.c \
  mqbroker/slave_sync.c mqbroker/slave_sync.h \
  mqbroker/state/clients.c mqbroker/state/clients.h \
  mqbroker/state/config_file.c mqbroker/state/config_file.h \
  mqbroker/state/filters.c mqbroker/state/filters.h \
  mqbroker/state/filters_file.c mqbroker/state/filters_table.h \
  mqbroker/state/groups.c mqbroker/state/groups.h \
  mqbroker/state/locks.c mqbroker/state/locks.h \
  mqbroker/state/offsets.c mqbroker/state/offsets.h \
  mqbroker/state/stats.c mqbroker/state/stats.h \
  mqbroker/state/topics.c mqbroker/state/topics.h \
  mqbroker/transaction/checks.c \
  mqbroker/transaction/ended.c mqbroker/transaction/ended.h \
  mqbroker/transaction/half_record.c mqbroker/transaction/half_record.h \
  mqbroker/transaction/ops.c \
  mqbroker/transaction/transactions.c mqbroker/transaction/transactions.h
mqbroker_libbroker_la_LIBADD = mqbroker/librepl.la mqbroker/libstore.la libdledger/libdledger.la libdledger/libraft.la \
  core/libfilter.la

include mqbroker/store/local.mk
include mqbroker/repl/local.mk

bin_PROGRAMS += mqbroker/mqbroker
mqbroker_mqbroker_SOURCES = mqbroker/main.c mqbroker/standalone.c mqbroker/standalone.h
mqbroker_mqbroker_LDADD = mqbroker/libbroker.la mqnamesrv/libmqnamesrv.la core/libremoting.la core/libconfig.la \
  core/libwire.la core/libport.la core/libbase.la host/libuvhost.la $(UV_LIBS) $(ZLIB_LIBS)
