'use strict';

// Options and payload rules shared by the two node peers; README.md holds the
// rules, ../java/Payload.java is the same thing in Java.

const UNI = 'h\u00e9llo-\u4e16\u754c-\ud83d\ude80';
const BIG = 6000;

// "-x value" / "--name value"; every option has a value.
function parseArgs(argv, known) {
  const values = {};
  for (let i = 0; i < argv.length; i += 2) {
    if (!known.includes(argv[i]) || i + 1 >= argv.length) {
      console.error(`bad option ${argv[i]}; known: ${known.join(' ')}`);
      process.exit(2);
    }
    values[argv[i]] = argv[i + 1];
  }
  return values;
}

function need(values, name) {
  if (values[name] === undefined) {
    console.error(`missing option ${name}`);
    process.exit(2);
  }
  return values[name];
}

const tagOf = seq => (seq % 2 === 0 ? 'TagA' : 'TagB');
const letter = (seq, pos) => 97 + (seq + pos) % 26;

function bodyOf(prefix, queue, seq, bodySize, queues) {
  const index = seq * queues + queue;
  const size = index % 1000 === 999 ? Math.max(bodySize, BIG) : bodySize;
  const head = Buffer.from(`${prefix}:${queue}:${seq}:`);
  const body = Buffer.alloc(Math.max(size, head.length));
  head.copy(body);
  for (let i = head.length; i < body.length; i++) {
    body[i] = letter(seq, i);
  }
  return body;
}

function propertiesOf(prefix, queue, seq, length) {
  return {
    TAGS: tagOf(seq),
    KEYS: `${prefix}-${queue}-${seq}`,
    uni: UNI,
    len: String(length),
    num: String(seq % 10),
  };
}

// The payload of a received message, or null if anything in it is wrong.
function parseMessage(msg) {
  const body = msg.body || Buffer.alloc(0);
  let end = -1;
  for (let n = 0; n < 3; n++) {
    end = body.indexOf(58, end + 1); // ':'
    if (end < 0) {
      return null;
    }
  }
  const [ prefix, queueText, seqText ] = body.toString('utf8', 0, end).split(':');
  const queue = Number(queueText);
  const seq = Number(seqText);
  for (let i = end + 1; i < body.length; i++) {
    if (body[i] !== letter(seq, i)) {
      return null;
    }
  }
  const want = propertiesOf(prefix, queue, seq, body.length);
  for (const name of Object.keys(want)) {
    if (msg.properties[name] !== want[name]) {
      return null;
    }
  }
  return { prefix, queue, seq };
}

// Options every ali-ons client needs to talk to a plain name server: no keys
// (so nothing is signed), no address server, no real HTTP client, no chatter.
function clientOptions(namesrv) {
  const quiet = () => {};
  return {
    nameSrv: namesrv.split(';'),
    httpclient: { request() { throw new Error('no HTTP wanted'); } },
    clientIP: '127.0.0.1',
    logger: { info: quiet, debug: quiet, warn: quiet, error: err => console.error(String(err)) },
  };
}

const sleep = ms => new Promise(done => setTimeout(done, ms));

module.exports = { parseArgs, need, tagOf, bodyOf, propertiesOf, parseMessage, clientOptions, sleep };
