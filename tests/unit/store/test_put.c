/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/suites.h"

#include <stdio.h>

void test_put_get(void) {
  struct rig r;
  rig_init(&r, 1);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "Orders", 0) == 0);
  struct put_result a, b, c;
  CU_ASSERT(rig_put(&r, "Orders", 0, "one", &a) == PUT_OK);
  CU_ASSERT(rig_put(&r, "Orders", 1, "two", &b) == PUT_OK);
  CU_ASSERT(rig_put(&r, "Orders", 0, "three", &c) == PUT_OK);
  CU_ASSERT(a.queue_offset == 0 && b.queue_offset == 0 && c.queue_offset == 1);
  CU_ASSERT(a.physical_offset == 0 && b.physical_offset == a.end_offset && c.physical_offset == b.end_offset);
  CU_ASSERT(rig_max(&r, "Orders", 0) == 0); /* staged only */
  CU_ASSERT(store_appended(r.store) == 0);
  CU_ASSERT(store_commit(r.store, rig_now(&r)) == STATUS_OK);
  CU_ASSERT(r.arrived == 3);
  CU_ASSERT(store_appended(r.store) == c.end_offset);
  CU_ASSERT(rig_max(&r, "Orders", 0) == 2);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "Orders", 0, 0), "one");
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "Orders", 0, 1), "three");
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "Orders", 1, 0), "two");
  rig_close(&r);
  CU_ASSERT(!rig_exists(&r, RIG_ROOT "/abort"));
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_exists(&r, RIG_ROOT "/abort"));
  CU_ASSERT(store_appended(r.store) == c.end_offset);
  CU_ASSERT(rig_max(&r, "Orders", 0) == 2);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "Orders", 0, 1), "three");
  rig_send(&r, "Orders", 0, "four");
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "Orders", 0, 2), "four");
  rig_crash(&r, SIM_KILL);
  CU_ASSERT_FATAL(rig_open(&r) == STATUS_OK);
  CU_ASSERT(rig_max(&r, "Orders", 0) == 3);
  CU_ASSERT_STRING_EQUAL(rig_body(&r, "Orders", 0, 2), "four");
  rig_fini(&r);
}
