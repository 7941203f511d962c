/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/door/admit.h"

#include "core/wire/codes.h"
#include "mqbroker/broker.h"

/* Java's remark ends with the first frame of its stack (RemotingHelper.exceptionSimpleDesc). */
bool admit(struct broker *b, const struct request *rq) {
  char reason[ACL_REASON_MAX];
  if (b->acl == NULL || acl_allow(b->acl, rq->cmd, &rq->peer, &b->arena, rq->now, reason)) return true;
  remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "org.apache.rocketmq.acl.common.AclException: %s",
                       reason);
  return false;
}
