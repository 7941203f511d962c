/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness.h"
#include "tests/unit/mqstore/suites.h"

static const struct test tests[] = {
    {"golden: normal", test_golden_normal},
    {"golden: delay", test_golden_delay},
    {"golden: transactions", test_golden_transactions},
    {"golden: IPv6", test_golden_ipv6},
    {"golden: ext", test_golden_ext},
    {"golden: killed", test_golden_killed},
    {"golden: lag", test_golden_lag},
    {"golden: no queue", test_golden_noqueue},
    {"golden: DLedger", test_golden_dledger},
    {"golden: DLedger, bare", test_golden_dledger_bare},
    {"damage: log", test_damage_log},
    {"damage: queue", test_damage_queue},
    {"damage: units off their places", test_damage_units_off},
    {"damage: index", test_damage_index},
    {"damage: index, keys once more", test_damage_index_again},
    {"damage: files", test_damage_files},
    {"damage: ext", test_damage_ext},
    {"damage: DLedger", test_damage_dledger},
    {"damage: DLedger, checksums", test_damage_dledger_sums},
    {"damage: deleted topic", test_damage_deleted_topic},
    {"end of the log", test_end_of_log},
    {"rebuild", test_rebuild},
    {"rebuild: ext", test_rebuild_ext},
    {"rebuild: refusals", test_rebuild_refusals},
    {"repair: speaks", test_repair_speaks},
    {"repair: skip", test_repair_skip},
    {"repair: skip over files", test_repair_skip_over_files},
    {"repair: cut", test_repair_cut},
    {"repair: refusals", test_repair_refusals},
    {"compare", test_compare},
    {"messages", test_messages},
    {"usage", test_usage},
    {"info", test_info},
    {NULL, NULL},
};

int main(int argc, char **argv) { return run_tests("test_mqstore", tests, argc, argv); }
