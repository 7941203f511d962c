# Groups of the raft core from seeds, and a model of DLedger 0.1 beside it.
check_PROGRAMS += tests/sim/raft/raft
tests_sim_raft_raft_SOURCES = \
  tests/sim/raft/behind.c \
  tests/sim/raft/brain_raft.c \
  tests/sim/raft/bugs.c \
  tests/sim/raft/check.c \
  tests/sim/raft/disk.c \
  tests/sim/raft/faults.c \
  tests/sim/raft/group.c tests/sim/raft/group.h \
  tests/sim/raft/machine.c \
  tests/sim/raft/main.c \
  tests/sim/raft/model_01.c tests/sim/raft/model_01.h \
  tests/sim/raft/model_01_elect.c \
  tests/sim/raft/model_01_push.c \
  tests/sim/raft/network.c
tests_sim_raft_raft_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=raft_may_vote -Wl,--wrap=raft_countable -Wl,--wrap=raft_may_truncate \
  -Wl,--wrap=raft_judge_ledger -Wl,--wrap=raft_ballot_won -Wl,--wrap=raft_on_batch
tests_sim_raft_raft_LDADD = tests/sim/libseeds.la libdledger/libraft.la core/libbase.la

# `make check` runs seeds 1-2000, mixed groups, and sees that the checkers find bugs and what 0.1 does wrong.
TESTS += tests/sim/raft/raft tests/sim/raft/find_bugs
EXTRA_DIST += tests/sim/raft/find_bugs
