if HAVE_LIBDEFLATE
CRC32_SOURCE = core/wire/crc32_libdeflate.c
else
CRC32_SOURCE = core/wire/crc32_zlib.c
endif
EXTRA_DIST += core/wire/crc32_libdeflate.c core/wire/crc32_zlib.c
core_libwire_la_SOURCES = \
  core/wire/batch.c \
  core/wire/bodies.h \
  core/wire/body_heartbeat.c \
  core/wire/body_lists.c \
  core/wire/body_read.c core/wire/body_read.h \
  core/wire/body_register.c \
  core/wire/body_route.c \
  core/wire/body_subscription.c \
  core/wire/body_topics.c \
  core/wire/codes.c core/wire/codes.h \
  core/wire/command.h \
  core/wire/command_encode.c \
  core/wire/command_forms.h \
  core/wire/command_json.c \
  core/wire/command_rocketmq.c \
  core/wire/compress.c \
  $(CRC32_SOURCE) \
  core/wire/ext_list.c \
  core/wire/frame.c \
  core/wire/header_fields.c \
  core/wire/headers.c core/wire/headers.h core/wire/headers_list.h \
  core/wire/json.h \
  core/wire/json_read.c \
  core/wire/json_scan.h \
  core/wire/json_string.c \
  core/wire/json_value.c \
  core/wire/json_write.c \
  core/wire/language.c \
  core/wire/message.c core/wire/message.h \
  core/wire/message_id.c \
  core/wire/names.c \
  core/wire/property.c
