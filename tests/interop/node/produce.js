'use strict';

// Sends numbered messages with ali-ons; same command line and output as
// ../java/Produce.java, but ali-ons can only do -m sync.

const fs = require('fs');
const { Producer, Message } = require('ali-ons');
const c = require('./payload');

const args = c.parseArgs(process.argv.slice(2),
  [ '-n', '-t', '-g', '-c', '-s', '-m', '-k', '--prefix', '--timeout', '--acked' ]);
const topic = c.need(args, '-t');
const prefix = c.need(args, '--prefix');
const count = Number(c.need(args, '-c'));
const size = Number(args['-s'] || 100);
const lanes = Number(args['-k'] || 1);
const deadline = Date.now() + Number(args['--timeout'] || 300) * 1000;
let sent = 0;
let complaints = 0;

async function sendOne(producer, queues, q, seq) {
  const body = c.bodyOf(prefix, q, seq, size, queues.length);
  const msg = new Message(topic, body);
  msg.properties = c.propertiesOf(prefix, q, seq, body.length);
  try {
    // send() chooses the queue itself and retries; one step below it does neither.
    const result = await producer.sendKernelImpl(msg, queues[q]);
    if (result.sendStatus !== 'SEND_OK') {
      throw new Error(`send status ${result.sendStatus}`);
    }
    sent++;
    if (args['--acked']) {
      fs.appendFileSync(args['--acked'], `${prefix}:${q}:${seq}\n`);
    }
  } catch (err) {
    if (++complaints <= 5) {
      console.error(`send failed: ${err}`);
    }
  }
}

// A lane is what a thread is in Java: it owns the queues lane, lane + lanes, ...
async function runLane(producer, queues, lane) {
  for (let seq = 0; seq * queues.length < count && Date.now() < deadline; seq++) {
    for (let q = lane; q < queues.length; q += lanes) {
      if (seq * queues.length + q < count) {
        await sendOne(producer, queues, q, seq);
      }
    }
  }
}

async function main() {
  if ((args['-m'] || 'sync') !== 'sync') {
    console.error('ali-ons can only send in mode sync');
    process.exit(2);
  }
  const producer = new Producer(Object.assign(c.clientOptions(c.need(args, '-n')), {
    producerGroup: c.need(args, '-g'),
    sendMsgTimeout: 10000,
  }));
  producer.on('error', err => console.error(String(err)));
  await producer.ready();
  const info = await producer.tryToFindTopicPublishInfo(topic);
  const queues = info.messageQueueList;
  const all = [];
  for (let lane = 0; lane < lanes; lane++) {
    all.push(runLane(producer, queues, lane));
  }
  await Promise.all(all);
  // close() may wait for a peer that is gone; the result does not depend on it.
  await Promise.race([ producer.close(), c.sleep(3000) ]);
  // Whatever was not acknowledged, tried or not, has failed.
  console.log(JSON.stringify({ sent, failed: count - sent }));
  process.exit(sent === count ? 0 : 1);
}

main().catch(err => {
  console.error(err);
  process.exit(1);
});
