noinst_LTLIBRARIES += libdledger/libraft.la
libdledger_libraft_la_SOURCES = \
  libdledger/raft/elect.c \
  libdledger/raft/follow.c \
  libdledger/raft/follow_java.c \
  libdledger/raft/inside.h \
  libdledger/raft/lead.c \
  libdledger/raft/lead_java.c \
  libdledger/raft/message.h \
  libdledger/raft/raft.c libdledger/raft/raft.h \
  libdledger/raft/rules.c
