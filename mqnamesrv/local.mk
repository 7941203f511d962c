noinst_LTLIBRARIES += mqnamesrv/libmqnamesrv.la
mqnamesrv_libmqnamesrv_la_SOURCES = \
  mqnamesrv/dispatch.c \
  mqnamesrv/handle_config.c \
  mqnamesrv/handle_kv.c \
  mqnamesrv/handle_register.c \
  mqnamesrv/handle_route.c \
  mqnamesrv/handle_topics.c \
  mqnamesrv/kv.c mqnamesrv/kv.h \
  mqnamesrv/namesrv.c mqnamesrv/namesrv.h \
  mqnamesrv/request.h \
  mqnamesrv/routes.c mqnamesrv/routes.h \
  mqnamesrv/routes_query.c \
  mqnamesrv/routes_tables.c mqnamesrv/routes_tables.h \
  mqnamesrv/settings.c mqnamesrv/settings.h

bin_PROGRAMS += mqnamesrv/mqnamesrv
mqnamesrv_mqnamesrv_SOURCES = mqnamesrv/main.c
mqnamesrv_mqnamesrv_LDADD = mqnamesrv/libmqnamesrv.la host/libuvhost.la core/libremoting.la core/libconfig.la \
  core/libwire.la core/libport.la core/libbase.la $(UV_LIBS) $(ZLIB_LIBS)

EXTRA_DIST += docs/mqnamesrv.1.scd
