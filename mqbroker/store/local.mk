noinst_LTLIBRARIES += mqbroker/libstore.la

mqbroker_libstore_la_SOURCES = \
  mqbroker/store/aside.c \
  mqbroker/store/checkpoint.c mqbroker/store/checkpoint.h \
  mqbroker/store/commitlog.c mqbroker/store/commitlog.h \
  mqbroker/store/consumequeue.c mqbroker/store/consumequeue.h \
  mqbroker/store/damage.c \
  mqbroker/store/derive.c mqbroker/store/derive.h \
  mqbroker/store/discard.c \
  mqbroker/store/flush.c \
  mqbroker/store/get.c \
  mqbroker/store/index.c mqbroker/store/index.h \
  mqbroker/store/index_file.c \
  mqbroker/store/index_load.c \
  mqbroker/store/index_store.c \
  mqbroker/store/layout.c \
  mqbroker/store/marks.c \
  mqbroker/store/put.c \
  mqbroker/store/queue_ext.c mqbroker/store/queue_ext.h \
  mqbroker/store/queue_ext_load.c \
  mqbroker/store/queue_load.c \
  mqbroker/store/queue_trim.c \
  mqbroker/store/queues.c mqbroker/store/queues.h \
  mqbroker/store/raw.c \
  mqbroker/store/record.h \
  mqbroker/store/recovery.c mqbroker/store/recovery.h \
  mqbroker/store/replay.c \
  mqbroker/store/retention.c mqbroker/store/retention.h \
  mqbroker/store/store.c mqbroker/store/store.h \
  mqbroker/store/store_state.h \
  mqbroker/store/walk.c
