/* SPDX-License-Identifier: Apache-2.0
 *
 * command: RemotingCommand, bytes <-> value, in both header serialisations.
 * Decoding borrows: spans point into the frame, or into the arena where JSON
 * escapes had to be undone. Agrees with
 * org.apache.rocketmq.remoting.protocol.{RemotingCommand,RocketMQSerializable,RemotingSerializable}.
 *
 * A frame on the wire: u32 length of all that follows, u8 serialisation,
 * u24 header length, header, body.
 */
#ifndef MQ_WIRE_COMMAND_H
#define MQ_WIRE_COMMAND_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/status.h"

enum serialize { SERIALIZE_JSON = 0, SERIALIZE_ROCKETMQ = 1 };

enum { COMMAND_RESPONSE = 1, COMMAND_ONEWAY = 2 }; /* bits of flag */

#define LANGUAGES(X)                                                           \
  X(JAVA) X(CPP) X(DOTNET) X(PYTHON) X(DELPHI) X(ERLANG) X(RUBY) X(OTHER)      \
  X(HTTP) X(GO) X(PHP) X(OMS)
enum language {
#define X(name) LANGUAGE_##name,
  LANGUAGES(X)
#undef X
  LANGUAGE_COUNT,
  LANGUAGE_NONE = -1 /* Java null: unknown name */
};
const char *language_name(int language); /* "OTHER" for an unknown one */

#define MQ_VERSION_4_7_0 353 /* MQVersion.Version.V4_7_0.ordinal() */

/* com.rocketmq.remoting.frameMaxLength */
#define FRAME_LENGTH_MAX_DEFAULT 16777216u

struct ext {
  struct span key;
  struct span value;
};

struct command {
  int32_t code;
  int32_t language; /* enum language */
  int32_t version;
  int32_t opaque;
  bool has_opaque; /* JSON without opaque: Java takes a fresh local number */
  int32_t flag;
  enum serialize serialize;
  struct span remark; /* SPAN_NONE: null */
  struct ext *ext;    /* duplicates removed: the last one won */
  size_t ext_count;
  struct span body;
};

struct command_limits {
  size_t frame;  /* bytes of a frame behind its length word */
  size_t header; /* bytes of a header */
  size_t ext;    /* number of ext fields */
  int depth;     /* JSON nesting */
};
#define COMMAND_LIMITS_DEFAULT ((struct command_limits){FRAME_LENGTH_MAX_DEFAULT, 1u << 20, 256, 16})

/* Splits the first frame off input. OK: *frame is what follows the length word and *used the bytes to
 * skip. AGAIN: incomplete. LIMIT/INVALID: the peer is broken; *why says how (static text). */
enum status frame_split(struct span input, const struct command_limits *limits, struct span *frame,
                        size_t *used, const char **why) MUST_USE;

/* Decodes a frame (as split). INVALID/LIMIT with *why; NO_MEMORY when the arena is full. */
enum status command_decode(struct command *out, struct span frame,
                           const struct command_limits *limits, struct arena *arena,
                           const char **why) MUST_USE;

/* Value of an ext field, SPAN_NONE if absent. */
struct span command_ext(const struct command *c, const char *key);

/* --- Header structures by descriptor tables (core/wire/headers.h has the tables) --- */

enum field_type { FIELD_TEXT, FIELD_I32, FIELD_I64, FIELD_BOOL };

struct field {
  const char *name;       /* ext key, e.g. "producerGroup" */
  const char *short_name; /* key in the V2 header ("a"), or NULL */
  enum field_type type;
  uint16_t offset;      /* in the header structure: struct span, int32_t, int64_t or bool */
  bool required;        /* @CFNotNull */
  bool always;          /* a Java primitive: a Java sender always writes it */
  uint8_t name_length;  /* strlen(name): most comparisons end at it */
};

struct header {
  const char *java_class; /* "SendMessageRequestHeader" */
  const struct field *fields;
  size_t field_count;
  size_t size; /* of the structure; it begins with `uint64_t present`, bit i = fields[i] is set */
};

/* Fills out (zeroed first). Absent or unparsable fields are left 0 with their present bit clear, as
 * Java's decodeCommandCustomHeader is lenient. by_short_name chooses the V2 keys.
 * INVALID and *missing = name of the first required field that is absent or unparsable; the rest is
 * decoded all the same. */
enum status header_decode(const struct header *header, const struct command *c, bool by_short_name,
                          void *out, const char **missing) MUST_USE;

/* Everything a frame needs. Fields of `fields` (may be NULL) with their present bit set are written in
 * table order behind `c->ext`; c->serialize chooses the form; c->body is copied, body_extra bytes more are
 * announced and must be sent behind by the caller (gathered replies). JSON is written as fastjson does:
 * members alphabetical, ext fields in the order given. Returns the bytes appended, 0 when out failed. */
size_t command_encode(struct buf *out, const struct command *c, const struct header *header,
                      const void *fields, bool by_short_name, size_t body_extra);

/* The fields of a header that are set as ext fields, as command_encode would write them. out has room for
 * header->field_count; numbers are in the arena. */
enum status header_ext(const struct header *header, const void *fields, bool by_short_name, struct arena *arena,
                       struct ext *out, size_t *count) MUST_USE;

#endif
