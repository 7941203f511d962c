'use strict';

// Reads a topic from its first offset with ali-ons; same command line and
// output as ../java/Consume.java, but ali-ons can only do push and broadcast.

const fs = require('fs');
const { Consumer } = require('ali-ons');
const c = require('./payload');

const args = c.parseArgs(process.argv.slice(2),
  [ '-n', '-t', '-g', '--expect', '--timeout', '--mode', '--sub', '--check-order', '--at-least', '--must-have' ]);
const topic = c.need(args, '-t');
const expect = Number(c.need(args, '--expect'));
const mode = args['--mode'] || 'push';
const sub = args['--sub'] || '*';
const atLeast = args['--at-least'] === '1';
const checkOrder = args['--check-order'] === '1';
const deadline = Date.now() + Number(args['--timeout'] || 60) * 1000;
const sql = sub.startsWith('sql:');
const wantedTags = sub === '*' || sql ? null : sub.split('||').map(t => t.trim());

const streams = new Map(); // "prefix:queue" -> { seen, last, where }
const total = { received: 0, distinct: 0, duplicates: 0, disorder: 0, corrupt: 0, lost: 0 };
let complaints = 0;

function complain(what, msg) {
  if (++complaints <= 5) {
    console.error(`${what}: queue ${msg.queueId} offset ${msg.queueOffset} ${JSON.stringify(msg.properties)}`);
  }
}

const isWanted = seq => !wantedTags || wantedTags.includes(c.tagOf(seq));

function nextWanted(last) {
  return isWanted(last + 1) ? last + 1 : last + 2;
}

function seen(msg) {
  total.received++;
  const p = c.parseMessage(msg);
  if (!p || msg.topic !== topic || !isWanted(p.seq)) {
    complain('corrupt', msg);
    total.corrupt++;
    return;
  }
  const where = `${msg.storeHost}/${msg.queueId}`;
  const name = `${p.prefix}:${p.queue}`;
  if (!streams.has(name)) {
    streams.set(name, { seen: new Set(), last: -1, where });
  }
  const s = streams.get(name);
  if (s.seen.has(p.seq)) {
    complain('duplicate', msg);
    total.duplicates++;
    return;
  }
  s.seen.add(p.seq);
  total.distinct++;
  const outOfOrder = sql ? p.seq <= s.last : p.seq !== nextWanted(s.last);
  if (s.where !== where || checkOrder && outOfOrder) {
    complain(`disorder after seq ${s.last}`, msg);
    total.disorder++;
  }
  s.last = p.seq;
}

function lookForLost(file) {
  for (const line of fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const cut = line.lastIndexOf(':');
    const s = streams.get(line.slice(0, cut));
    if (!s || !s.seen.has(Number(line.slice(cut + 1)))) {
      total.lost++;
    }
  }
}

function isRight() {
  const enough = atLeast ? total.distinct >= expect : total.distinct === expect;
  return enough && !total.duplicates && !total.disorder && !total.corrupt && !total.lost;
}

async function main() {
  if (mode !== 'push' && mode !== 'broadcast') {
    console.error('ali-ons can only consume in mode push or broadcast');
    process.exit(2);
  }
  const consumer = new Consumer(Object.assign(c.clientOptions(c.need(args, '-n')), {
    consumerGroup: c.need(args, '-g'),
    isBroadcast: mode === 'broadcast',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    // The default waits 5 s whenever 500 messages are queued.
    pullTimeDelayMillsWhenFlowControl: 20,
    parallelConsumeLimit: checkOrder ? 1 : 32,
  }));
  consumer.on('error', err => console.error(String(err)));
  const expression = sql ? { expressionType: 'SQL92', subString: sub.slice(4) } : sub;
  consumer.subscribe(topic, expression, async msg => seen(msg));
  while (Date.now() < deadline && (atLeast || total.distinct < expect)) {
    await c.sleep(50);
  }
  await c.sleep(2000);
  if (args['--must-have']) {
    lookForLost(args['--must-have']);
  }
  // close() waits for the pulls that hang at the broker; it saves the offsets first.
  await Promise.race([ consumer.close(), c.sleep(1000) ]);
  console.log(JSON.stringify(total));
  process.exit(isRight() ? 0 : 1);
}

main().catch(err => {
  console.error(err);
  process.exit(1);
});
