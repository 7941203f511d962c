// SPDX-License-Identifier: Apache-2.0
// Appends through DLedger's own protocol (METADATA, APPEND), as any client of DLedger 0.1 would.
//   node dledger_append.js GROUP PORT,PORT,PORT COUNT SECONDS
// Prints "leader nX appended N of COUNT last INDEX"; the members are n0, n1, n2 on these ports of this machine.
'use strict';
const net = require('net');
const [group, portList, countText, secondsText] = process.argv.slice(2);
const ports = portList.split(',').map(Number);
const count = Number(countText);
const deadline = Date.now() + 1000 * Number(secondsText);

function open(port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    const waiting = new Map();
    let input = Buffer.alloc(0);
    let opaque = 0;
    const fail = (error) => { for (const w of waiting.values()) w.reject(error); waiting.clear(); reject(error); };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('closed')));
    socket.on('data', (bytes) => {
      input = Buffer.concat([input, bytes]);
      while (input.length >= 4 && input.length >= 4 + input.readUInt32BE(0)) {
        const frame = input.subarray(4, 4 + input.readUInt32BE(0));
        input = input.subarray(4 + frame.length);
        const headerLength = frame.readUInt32BE(0) & 0xffffff;
        const header = JSON.parse(frame.subarray(4, 4 + headerLength));
        const w = waiting.get(header.opaque);
        waiting.delete(header.opaque);
        if (w) w.resolve(frame.length > 4 + headerLength ? JSON.parse(frame.subarray(4 + headerLength)) : {code: -1});
      }
    });
    socket.on('connect', () => resolve({
      end: () => socket.destroy(),
      call: (code, body) => new Promise((yes, no) => {
        const header = Buffer.from(JSON.stringify({
          code, flag: 0, language: 'JAVA', opaque: ++opaque, serializeTypeCurrentRPC: 'JSON', version: 353}));
        const text = Buffer.from(JSON.stringify(body));
        const lengths = Buffer.alloc(8);
        lengths.writeUInt32BE(4 + header.length + text.length, 0);
        lengths.writeUInt32BE(header.length, 4);
        const timer = setTimeout(() => no(new Error('no answer')), 4000);
        waiting.set(opaque, {resolve: (v) => { clearTimeout(timer); yes(v); }, reject: (e) => { clearTimeout(timer); no(e); }});
        socket.write(Buffer.concat([lengths, header, text]));
      })}));
  });
}

async function leader() {
  while (Date.now() < deadline) {
    for (let i = 0; i < ports.length; i++) {
      try {
        const c = await open(ports[i]);
        const answer = await c.call(50000, {group, remoteId: `n${i}`});
        if (answer.leaderId === `n${i}`) return [i, c];
        c.end();
      } catch (e) { /* the next one */ }
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('nobody leads');
}

async function main() {
  const [id, c] = await leader();
  let good = 0, last = -1;
  for (let i = 0; i < count; i++) {
    const body = Buffer.from(`entry ${i} ` + '.'.repeat(i % 200)).toString('base64');
    const answer = await c.call(50001, {group, remoteId: `n${id}`, body});
    if (answer.code === 200) { good++; last = answer.index; }
  }
  console.log(`leader n${id} appended ${good} of ${count} last ${last}`);
  process.exit(good === count ? 0 : 1);
}
main().catch((e) => { console.log(String(e)); process.exit(1); });
