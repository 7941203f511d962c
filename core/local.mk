# Rooms shared by every program, lowest first: a room may use only those above it in this list.
noinst_LTLIBRARIES += core/libbase.la core/libport.la core/libwire.la core/libfilter.la core/libconfig.la core/libremoting.la core/libsign.la

core_libbase_la_SOURCES = \
  core/base/arena.c core/base/arena.h \
  core/base/buf.c core/base/buf.h \
  core/base/bytes.h \
  core/base/log.c core/base/log.h \
  core/base/map.c core/base/map.h \
  core/base/moment.h \
  core/base/prng.c core/base/prng.h \
  core/base/span.c core/base/span.h \
  core/base/status.c core/base/status.h \
  core/base/timers.c core/base/timers.h \
  core/base/utf8.c core/base/utf8.h

core_libport_la_SOURCES = \
  core/port/disk.h core/port/disk_whole.c \
  core/port/net.h core/port/net_peer.c \
  core/port/node.h \
  core/port/segment.c core/port/segment.h

include core/wire/local.mk
include core/filter/local.mk
include core/config/local.mk
include core/remoting/local.mk
include core/sign/local.mk
