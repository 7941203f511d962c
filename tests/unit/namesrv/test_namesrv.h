/* SPDX-License-Identifier: Apache-2.0
 *
 * Every test of this binary, by file: one list for the declarations and the
 * table that runs them.
 */
#ifndef TESTS_NAMESRV_TEST_NAMESRV_H
#define TESTS_NAMESRV_TEST_NAMESRV_H

#define NAMESRV_TESTS(T)                                                                                               \
  /* test_register.c */                                                                                                \
  T(register_first) T(register_slave) T(register_slave_becomes_master) T(register_slave_topics_ignored)                \
  T(register_same_version_changes_nothing) T(register_new_version) T(register_compressed) T(register_old_broker)       \
  T(register_bad_crc) T(register_bad_body) T(register_bad_names) T(register_missing_field) T(register_oneway)          \
  T(register_filter_servers) T(register_order_items) T(register_two_clusters) T(register_brokers_limit)                \
  T(register_topics_limit) T(register_without_body) T(unregister_last) T(unregister_slave) T(unregister_unknown)       \
  T(query_version)                                                                                                     \
  /* test_leases.c */                                                                                                  \
  T(lease_scan_times) T(lease_expires) T(lease_renewed) T(lease_renewed_by_query) T(lease_connection_closed)           \
  T(lease_new_connection) T(lease_shared_connection) T(lease_idle_connection)                                          \
  /* test_topics.c */                                                                                                  \
  T(route_missing) T(route_order_item) T(route_standard_json) T(route_rocketmq_header) T(topics_all)                   \
  T(topics_by_cluster) T(topics_system) T(topics_unit) T(topic_delete) T(cluster_info) T(wipe_write_perm)              \
  /* test_kv.c */                                                                                                      \
  T(kv_round_trip) T(kv_file_is_javas) T(kv_survives_restart) T(kv_java_file_is_read) T(kv_damaged_file)               \
  T(kv_damaged_both) T(kv_disk_full) T(kv_limit) T(kv_delete_unknown)                                                  \
  /* test_config.c */                                                                                                  \
  T(config_get_all) T(config_update_live) T(config_update_persists) T(config_update_refused)                           \
  T(config_update_disk_full) T(config_update_empty) T(config_ignored_is_said) T(start_port_taken)                      \
  /* test_hostile.c */                                                                                                 \
  T(unknown_code) T(every_code_is_answered) T(hostile_frames) T(hostile_flips) T(hostile_bodies) T(split_frames)       \
  T(ten_thousand_topics)                                                                                               \
  /* test_torture.c */                                                                                                 \
  T(torture_registration) T(torture_kv)                                                                                \
  /* test_trace.c */                                                                                                   \
  T(trace_replay)

#define NAMESRV_TEST_DECLARE(name) void test_##name(void);
NAMESRV_TESTS(NAMESRV_TEST_DECLARE)
#undef NAMESRV_TEST_DECLARE

#endif
