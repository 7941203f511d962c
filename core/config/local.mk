core_libconfig_la_SOURCES = \
  core/config/config.c core/config/config.h \
  core/config/config_text.c \
  core/config/config_value.c core/config/config_value.h \
  core/config/properties.c
