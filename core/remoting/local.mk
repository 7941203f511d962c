core_libremoting_la_SOURCES = core/remoting/remoting.h
