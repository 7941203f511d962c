# The programs as processes, used by a peer that shares only core/wire with them.
check_PROGRAMS += tests/system/peer
tests_system_peer_SOURCES = \
  tests/system/peer.c tests/system/peer.h \
  tests/system/peer_attack.c \
  tests/system/peer_basic.c \
  tests/system/peer_conn.c \
  tests/system/peer_crowd.c \
  tests/system/peer_fill.c \
  tests/system/peer_load.c \
  tests/system/peer_message.c \
  tests/system/peer_scale.c
tests_system_peer_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_system_peer_LDADD = core/libwire.la core/libport.la core/libbase.la $(ZLIB_LIBS)

# Real processes at real speed; the sanitizer builds test the same code in their own ways.
check_PROGRAMS += tests/system/kv_check
tests_system_kv_check_SOURCES = tests/system/kv_check.c
tests_system_kv_check_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE

if !SANITIZED
TESTS += tests/system/run.sh tests/system/kv_check
endif
EXTRA_DIST += \
  tests/system/run.sh \
  tests/system/lib.sh \
  tests/system/dledger.sh \
  tests/system/failover.sh \
  tests/system/full_disk.sh \
  tests/system/hostile.sh \
  tests/system/keys-4.7.0.txt \
  tests/system/kill.sh \
  tests/system/names.sh \
  tests/system/programs.sh \
  tests/system/repair.sh \
  tests/system/scale.sh \
  tests/system/start_stop.sh
