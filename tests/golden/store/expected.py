#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""expected.py EXPECTED.json STORE-DIR: prints what a reader of a golden store must find, one thing a line.

Every record of expected.json is looked up in the commit log files and compared field by field; what is printed is
  log MIN MAX                                               offsets of the log
  r OFFSET SIZE CRC32-OF-ALL-BYTES QUEUE-ID QUEUE-OFFSET STORE-MS TOPIC
  q MIN MAX MAX-PHYSICAL QUEUE-ID TOPIC                     then one line for each of its units:
  u QUEUE-OFFSET LOG-OFFSET SIZE TAGS-CODE
"""
import json, os, struct, sys, zlib

expected = json.load(open(sys.argv[1]))
length = expected["storeConfig"]["mappedFileSizeCommitLog"]
found = expected["recovered"]
log = os.path.join(sys.argv[2], "commitlog")
files = {int(n): open(os.path.join(log, n), "rb").read() for n in os.listdir(log)}
print("log", found["minPhyOffset"], found["maxPhyOffset"])
for r in found["records"]:
    off, size = r["commitLogOffset"], r["storeSize"]
    raw = files[off - off % length][off % length:off % length + size]
    total, magic, crc, qid, flag, qoff, phys, sysflag, born = struct.unpack(">iIiiiqqiq", raw[:48])
    at = 56 + (12 if sysflag & 0x10 else 0)
    store_ms = struct.unpack(">q", raw[at:at + 8])[0]
    want = (size, 0xDAA320A7, r["bodyCRC"], r["queueId"], r["flag"], r["queueOffset"], off, r["sysFlag"],
            r["bornTimestamp"], r["storeTimestamp"])
    assert (total, magic, crc, qid, flag, qoff, phys, sysflag, born, store_ms) == want, r
    print("r", off, size, "%08x" % zlib.crc32(raw), qid, qoff, store_ms, r["topic"])
for q in found["queues"]:
    print("q", q["minOffset"], q["maxOffset"], q["maxPhysicOffset"], q["queueId"], q["topic"])
    for u in q["units"]:
        print("u", u["queueOffset"], u["commitLogOffset"], u["size"], u["tagsCode"])
