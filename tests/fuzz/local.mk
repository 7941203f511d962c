# Fuzz targets. Each is a plain program that replays its corpus and seeded mutations (make check), and, when
# configured with  CC=clang --enable-fuzzers --enable-sanitizers=fuzzer-no-link,address,undefined , a libFuzzer one.
FUZZ_LIBS = libdledger/libdledger.la core/libconfig.la core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS)

FUZZ_REPLAYS = \
  tests/fuzz/replay_acl \
  tests/fuzz/replay_command \
  tests/fuzz/replay_dledger \
  tests/fuzz/replay_json \
  tests/fuzz/replay_properties \
  tests/fuzz/replay_record \
  tests/fuzz/replay_sql
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)
tests_fuzz_replay_acl_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_acl.c tests/fuzz/replay_main.c
tests_fuzz_replay_acl_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/acl"'
tests_fuzz_replay_acl_LDADD = mqbroker/libacl.la core/libsign.la $(FUZZ_LIBS)
tests_fuzz_replay_command_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_command.c tests/fuzz/replay_main.c
tests_fuzz_replay_command_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/command"'
tests_fuzz_replay_command_LDADD = $(FUZZ_LIBS)
tests_fuzz_replay_dledger_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_dledger.c tests/fuzz/replay_main.c
tests_fuzz_replay_dledger_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/dledger"'
tests_fuzz_replay_dledger_LDADD = $(FUZZ_LIBS)
tests_fuzz_replay_json_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_json.c tests/fuzz/replay_main.c
tests_fuzz_replay_json_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/json"'
tests_fuzz_replay_json_LDADD = $(FUZZ_LIBS)
tests_fuzz_replay_properties_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_properties.c tests/fuzz/replay_main.c
tests_fuzz_replay_properties_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/properties"'
tests_fuzz_replay_properties_LDADD = $(FUZZ_LIBS)
tests_fuzz_replay_record_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_record.c tests/fuzz/replay_main.c
tests_fuzz_replay_record_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/record"'
tests_fuzz_replay_record_LDADD = $(FUZZ_LIBS)
tests_fuzz_replay_sql_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_sql.c tests/fuzz/replay_main.c
tests_fuzz_replay_sql_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/sql"'
tests_fuzz_replay_sql_LDADD = core/libfilter.la $(FUZZ_LIBS)

if ENABLE_FUZZERS
noinst_PROGRAMS += \
  tests/fuzz/fuzz_acl \
  tests/fuzz/fuzz_command \
  tests/fuzz/fuzz_dledger \
  tests/fuzz/fuzz_json \
  tests/fuzz/fuzz_properties \
  tests/fuzz/fuzz_record \
  tests/fuzz/fuzz_sql
tests_fuzz_fuzz_acl_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_acl.c
tests_fuzz_fuzz_acl_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_acl_LDADD = mqbroker/libacl.la core/libsign.la $(FUZZ_LIBS)
tests_fuzz_fuzz_command_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_command.c
tests_fuzz_fuzz_command_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_command_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_dledger_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_dledger.c
tests_fuzz_fuzz_dledger_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_dledger_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_json.c
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_json_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_properties_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_properties.c
tests_fuzz_fuzz_properties_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_properties_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_record.c
tests_fuzz_fuzz_record_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_record_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_sql_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_sql.c
tests_fuzz_fuzz_sql_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_sql_LDADD = core/libfilter.la $(FUZZ_LIBS)
endif

EXTRA_DIST += \
  tests/fuzz/corpus/acl/distribution \
  tests/fuzz/corpus/acl/flow \
  tests/fuzz/corpus/acl/odd \
  tests/fuzz/corpus/command/acl-ext-ROCKETMQ \
  tests/fuzz/corpus/command/case-and-underscore \
  tests/fuzz/corpus/command/code-51004-ROCKETMQ \
  tests/fuzz/corpus/command/comment \
  tests/fuzz/corpus/command/escapes-JSON \
  tests/fuzz/corpus/command/ext-numbers \
  tests/fuzz/corpus/command/flag-3-JSON \
  tests/fuzz/corpus/command/req-11-PullMessageRequestHeader-JSON \
  tests/fuzz/corpus/command/req-11-PullMessageRequestHeader-ROCKETMQ \
  tests/fuzz/corpus/command/req-310-SendMessageRequestHeaderV2-JSON \
  tests/fuzz/corpus/command/req-310-SendMessageRequestHeaderV2-ROCKETMQ \
  tests/fuzz/corpus/command/response-remark-JSON \
  tests/fuzz/corpus/command/response-remark-ROCKETMQ \
  tests/fuzz/corpus/command/rocketmq-duplicate-key \
  tests/fuzz/corpus/command/single-quotes \
  tests/fuzz/corpus/command/trailing-garbage \
  tests/fuzz/corpus/command/unicode-JSON \
  tests/fuzz/corpus/command/unicode-ROCKETMQ \
  tests/fuzz/corpus/command/unicode-escapes \
  tests/fuzz/corpus/dledger/append-request \
  tests/fuzz/corpus/dledger/batch \
  tests/fuzz/corpus/dledger/batch-answer \
  tests/fuzz/corpus/dledger/batch-empty \
  tests/fuzz/corpus/dledger/entry \
  tests/fuzz/corpus/dledger/get-reply \
  tests/fuzz/corpus/dledger/get-request \
  tests/fuzz/corpus/dledger/heart-beat-request \
  tests/fuzz/corpus/dledger/heart-beat-response \
  tests/fuzz/corpus/dledger/metadata-reply \
  tests/fuzz/corpus/dledger/peers \
  tests/fuzz/corpus/dledger/push-append-request \
  tests/fuzz/corpus/dledger/push-append-response \
  tests/fuzz/corpus/dledger/push-commit-request \
  tests/fuzz/corpus/dledger/push-commit-response \
  tests/fuzz/corpus/dledger/push-compare-request \
  tests/fuzz/corpus/dledger/push-compare-response \
  tests/fuzz/corpus/dledger/push-truncate-request \
  tests/fuzz/corpus/dledger/push-truncate-response \
  tests/fuzz/corpus/dledger/vote-request \
  tests/fuzz/corpus/dledger/vote-response \
  tests/fuzz/corpus/json/brokerStats \
  tests/fuzz/corpus/json/clusterInfo-1 \
  tests/fuzz/corpus/json/consumerOffset-2-pretty \
  tests/fuzz/corpus/json/consumerRunningInfo \
  tests/fuzz/corpus/json/dialect \
  tests/fuzz/corpus/json/escapes-all \
  tests/fuzz/corpus/json/heartbeat-CLUSTERING-CONSUME_PASSIVELY \
  tests/fuzz/corpus/json/kvTable-6 \
  tests/fuzz/corpus/json/lenient-1 \
  tests/fuzz/corpus/json/lenient-2 \
  tests/fuzz/corpus/json/lenient-3 \
  tests/fuzz/corpus/json/lenient-4 \
  tests/fuzz/corpus/json/registerBroker-3 \
  tests/fuzz/corpus/json/resetOffset \
  tests/fuzz/corpus/json/route-3 \
  tests/fuzz/corpus/json/topicConfig-1-pretty \
  tests/fuzz/corpus/json/topicList-4 \
  tests/fuzz/corpus/properties/broker \
  tests/fuzz/corpus/properties/escapes \
  tests/fuzz/corpus/properties/update \
  tests/fuzz/corpus/properties/wrong \
  tests/fuzz/corpus/record/batch-1 \
  tests/fuzz/corpus/record/batch-3 \
  tests/fuzz/corpus/record/message-id \
  tests/fuzz/corpus/record/properties-odd \
  tests/fuzz/corpus/record/properties-write \
  tests/fuzz/corpus/record/record-compressed \
  tests/fuzz/corpus/record/record-hosts-0 \
  tests/fuzz/corpus/record/record-hosts-1 \
  tests/fuzz/corpus/record/record-hosts-2 \
  tests/fuzz/corpus/record/record-hosts-3 \
  tests/fuzz/corpus/record/registerBroker-0-compressed \
  tests/fuzz/corpus/record/registerBroker-3-compressed \
  tests/fuzz/corpus/sql/between \
  tests/fuzz/corpus/sql/boolean \
  tests/fuzz/corpus/sql/comments \
  tests/fuzz/corpus/sql/error-end \
  tests/fuzz/corpus/sql/error-string \
  tests/fuzz/corpus/sql/in \
  tests/fuzz/corpus/sql/is-null \
  tests/fuzz/corpus/sql/logic \
  tests/fuzz/corpus/sql/negated \
  tests/fuzz/corpus/sql/nested \
  tests/fuzz/corpus/sql/numbers \
  tests/fuzz/corpus/sql/trailing
