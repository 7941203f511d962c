#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""index.py EXPECTED.json: prints what look-ups in the key index of a golden store must find, one a line:
  TOPIC KEY-IN-HEX OFFSET...        offsets ascending
"""
import json, sys

for x in json.load(open(sys.argv[1]))["recovered"]["index"]:
    print(x["topic"], x["key"].encode().hex(), *sorted(x["found"]))
