noinst_LTLIBRARIES += mqbroker/librepl.la
mqbroker_librepl_la_SOURCES = \
  mqbroker/repl/dledger.c \
  mqbroker/repl/ha_master.c \
  mqbroker/repl/ha_slave.c \
  mqbroker/repl/ha_wire.h \
  mqbroker/repl/none.c \
  mqbroker/repl/repl.h
