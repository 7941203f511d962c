# One binary per library; it links only that library and the rooms beneath it.
include tests/unit/base/local.mk
include tests/unit/wire/local.mk
include tests/unit/config/local.mk
include tests/unit/filter/local.mk
include tests/unit/acl/local.mk
include tests/unit/remoting/local.mk
include tests/unit/sim/local.mk
include tests/unit/uv/local.mk
include tests/unit/store/local.mk
include tests/unit/dledger/local.mk
include tests/unit/namesrv/local.mk
include tests/unit/client/local.mk
include tests/unit/broker/local.mk
include tests/unit/dledger_node/local.mk
include tests/unit/mqstore/local.mk
include tests/unit/repl/local.mk

# Structure is tested too: includes, symbols, exports, names, sizes.
TESTS += tests/unit/structure.sh
EXTRA_DIST += tests/unit/structure.sh
