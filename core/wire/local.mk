core_libwire_la_SOURCES = \
  core/wire/bodies.h \
  core/wire/codes.h \
  core/wire/command.h \
  core/wire/headers.h core/wire/headers_list.h \
  core/wire/json.h \
  core/wire/message.h
