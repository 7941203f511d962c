core_libremoting_la_SOURCES = \
  core/remoting/calls.c core/remoting/calls.h \
  core/remoting/remoting.c core/remoting/remoting.h \
  core/remoting/stamp.c core/remoting/stamp.h
