# not installed
noinst_LTLIBRARIES += host/libsim.la
host_libsim_la_SOURCES = \
  host/sim/disk_copy.c \
  host/sim/disk_crash.c \
  host/sim/disk_names.c \
  host/sim/disk_sim.c \
  host/sim/events.c \
  host/sim/inside.h \
  host/sim/net_fault.c \
  host/sim/net_sim.c \
  host/sim/net_stream.c \
  host/sim/trace.c \
  host/sim/world.c host/sim/world.h
