# Programs around the main ones.
bin_PROGRAMS += tools/mqbench tools/mqwitness
tools_mqbench_SOURCES = tools/mqbench.c tools/histogram.c tools/histogram.h
tools_mqbench_LDADD = libmqclient/libmqclient.la
tools_mqwitness_SOURCES = tools/mqwitness.c
tools_mqwitness_LDADD = libmqclient/libmqclient.la
EXTRA_DIST += tools/demo.sh tools/cluster.sh tools/stage.sh

# mqstore: the library is the program without its world, for its tests.
noinst_LTLIBRARIES += tools/mqstore/libmqstore.la
tools_mqstore_libmqstore_la_SOURCES = \
  tools/mqstore/cmd_compare.c \
  tools/mqstore/cmd_info.c \
  tools/mqstore/cmd_look.c \
  tools/mqstore/config.c \
  tools/mqstore/files.c tools/mqstore/files.h \
  tools/mqstore/keyindex.c tools/mqstore/keyindex.h \
  tools/mqstore/lock.c \
  tools/mqstore/logbook.c tools/mqstore/logbook.h \
  tools/mqstore/logscan.c \
  tools/mqstore/queues.c tools/mqstore/queues.h \
  tools/mqstore/rebuild.c tools/mqstore/rebuild.h \
  tools/mqstore/rebuild_index.c \
  tools/mqstore/rebuild_queues.c \
  tools/mqstore/repair.c tools/mqstore/repair.h \
  tools/mqstore/repair_log.c \
  tools/mqstore/run.c \
  tools/mqstore/show.c \
  tools/mqstore/storedir.c \
  tools/mqstore/tags.c \
  tools/mqstore/tool.c tools/mqstore/tool.h \
  tools/mqstore/verify.c tools/mqstore/verify.h \
  tools/mqstore/verify_entry.c \
  tools/mqstore/verify_index.c \
  tools/mqstore/verify_log.c \
  tools/mqstore/verify_queues.c \
  tools/mqstore/verify_rest.c
bin_PROGRAMS += tools/mqstore/mqstore
tools_mqstore_mqstore_SOURCES = tools/mqstore/main.c
tools_mqstore_mqstore_LDADD = tools/mqstore/libmqstore.la host/libuvhost.la libdledger/libdledger.la \
  core/libconfig.la core/libwire.la core/libport.la \
  core/libbase.la $(UV_LIBS) $(ZLIB_LIBS)
EXTRA_DIST += docs/mqstore.1.scd
