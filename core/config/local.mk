core_libconfig_la_SOURCES = core/config/config.h
