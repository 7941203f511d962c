# A Raft log in DLedger 0.1's files and words: entry store, messages, members.
noinst_LTLIBRARIES += libdledger/libdledger.la
libdledger_libdledger_la_SOURCES = \
  libdledger/base64.c libdledger/base64.h \
  libdledger/entry.c libdledger/entry.h \
  libdledger/ledger.c libdledger/ledger.h \
  libdledger/ledger_cut.c \
  libdledger/ledger_files.c \
  libdledger/ledger_index.c \
  libdledger/ledger_parts.h \
  libdledger/ledger_recover.c \
  libdledger/ledger_sync.c \
  libdledger/ledger_write.c \
  libdledger/message.c libdledger/message.h \
  libdledger/message_batch.c \
  libdledger/message_parts.h \
  libdledger/message_read.c \
  libdledger/node.c libdledger/node.h \
  libdledger/node_parts.h \
  libdledger/node_send.c \
  libdledger/node_serve.c \
  libdledger/node_store.c \
  libdledger/opening.c libdledger/opening.h \
  libdledger/peers.c libdledger/peers.h

include libdledger/raft/local.mk
include libdledger/api/local.mk
