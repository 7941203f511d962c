# the only place with <uv.h>, system calls and threads
noinst_LTLIBRARIES += host/libuvhost.la
host_libuvhost_la_SOURCES = \
  host/uv/block.c host/uv/block.h \
  host/uv/conn_uv.c \
  host/uv/dial_uv.c \
  host/uv/disk_path_uv.c \
  host/uv/disk_uv.c \
  host/uv/flow_uv.c \
  host/uv/host.h \
  host/uv/listen_uv.c \
  host/uv/log_uv.c host/uv/log_uv.h \
  host/uv/loop.c host/uv/loop.h \
  host/uv/machine_uv.c host/uv/machine_uv.h \
  host/uv/net_uv.c \
  host/uv/outbox.c host/uv/outbox.h \
  host/uv/sync_uv.c \
  host/uv/thread_uv.c host/uv/thread_uv.h
host_libuvhost_la_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
host_libuvhost_la_LIBADD = $(UV_LIBS)
