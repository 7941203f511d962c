#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts of a golden DLedger directory as lines a C test reads: ledger.py FOLDER >store-NAME.expected

  node NAME DATA_FILE INDEX_FILE TERM VOTE ENTRIES COMMITTED    (of each member)
  filler POS SIZE                                               (of the longest)
  entry INDEX TERM POS SIZE CHANNEL CHAIN_CRC BODY_CRC CRC32    (of the longest; the last one over the body)

FOLDER holds expected.json and store.tar.gz as Java's generator made them; the bodies' SHA-256 are checked here."""
import hashlib, json, os, sys, tarfile, zlib

folder = sys.argv[1]
with open(os.path.join(folder, 'expected.json')) as f:
    nodes = json.load(f)['nodes']
longest = max(nodes, key=lambda n: (nodes[n]['entryCount'], isinstance(nodes[n]['entries'], list)))
data = {}
with tarfile.open(os.path.join(folder, 'store.tar.gz')) as tar:
    for member in tar:
        if f'/dledger-{longest}/data/' in member.name:
            data[int(os.path.basename(member.name))] = tar.extractfile(member).read()

for name in sorted(nodes):
    n = nodes[name]
    print('node', name, n['dataFileSize'], n['indexFileSize'], n['currterm']['currTerm'],
          n['currterm']['voteLeader'] or '-', n['entryCount'], n['checkpoint']['committedIndex'])
for filler in nodes[longest]['fillers']:
    print('filler', filler['pos'], filler['sizeField'])
length = nodes[longest]['dataFileSize']
for e in nodes[longest]['entries']:
    start = e['pos'] - e['pos'] % length
    body = data[start][e['pos'] - start + 48:e['pos'] - start + e['size']]
    assert hashlib.sha256(body).hexdigest() == e['bodySha256']
    print('entry', e['index'], e['term'], e['pos'], e['size'], e['channel'], e['chainCrc'], e['bodyCrc'],
          '%08x' % zlib.crc32(body))
