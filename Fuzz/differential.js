// Compares verdicts with llhttp's; see scripts/differential.
'use strict';
const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
let HTTPParser;
try {
  ({ HTTPParser } = process.binding('http_parser'));
} catch {
  console.log('differential: this node does not expose llhttp; skipped');
  process.exit(0);
}
const [, , program, mutationCount, seedText] = process.argv;

// Where the parser may take what llhttp refuses, and why that is no hole.
const allowed = [
  ['an unknown method is for the router to refuse',
    (node) => node.code === 'HPE_INVALID_METHOD'],
  ['a minor version from 2 on counts as 1 (RFC 9110 section 2.5)',
    (node, text) => node.code === 'HPE_INVALID_VERSION' && / HTTP\/1\.[2-9]\r\n/.test(text)],
  ['chunk extensions are skipped, whatever they look like, as far as the CR LF',
    (node, text) => /^HPE_(INVALID_CHUNK_SIZE|STRICT|INVALID_CONSTANT)$/.test(node.code) &&
      /\r\n[0-9A-Fa-f]+;/.test(text) && /chunk extension/i.test(node.reason)],
  ['a tab after a value is trimmed like a space (RFC 9110 section 5.6.3)',
    (node, text) => /^HPE_INVALID_(CONTENT_LENGTH|TRANSFER_ENCODING)$/.test(node.code) &&
      /\r\n(content-length:[ \t]*[0-9]+|transfer-encoding:[ \t]*chunked) *\t[ \t]*\r\n/i.test(text)],
  ['framing fields among trailers are dropped (RFC 9110 section 6.5.1)',
    (node, text) => /^HPE_INVALID_(CONTENT_LENGTH|TRANSFER_ENCODING)$/.test(node.code) &&
      /\r\n0[^\n]*\r\n([^\n]+\r\n)*(content-length|transfer-encoding):/i.test(text)],
];

// MARK: inputs

const host = 'Host: h\r\n';
const inputs = [];
const add = (text) => inputs.push(Buffer.from(text, 'latin1'));
for (const line of ['asdf', 'GET /', 'GET / HTTP/2.0', 'GET / HTTP/1.10', 'GET / http/1.1', 'GET / HTTP/1.1 ',
  'GET  / HTTP/1.1', 'GET /  HTTP/1.1', 'GET\t/ HTTP/1.1', ' GET / HTTP/1.1', 'GET / HTTP/1.2', 'GET / HTTP/0.9',
  'GET /\0 HTTP/1.1', 'GET /\xe9 HTTP/1.1', 'FOO,BAR / HTTP/1.1', 'FOO / HTTP/1.1', 'get / HTTP/1.1',
  'GET http://h/ HTTP/1.1', 'GET http://h HTTP/1.1', 'GET http://h?a HTTP/1.1', 'GET http://u@h/ HTTP/1.1',
  'GET https://[::1]:80/a?b HTTP/1.1', 'OPTIONS * HTTP/1.1', 'GET * HTTP/1.1', 'GET /#x HTTP/1.1',
  'CONNECT h:1 HTTP/1.1', 'CONNECT / HTTP/1.1', 'CONNECT h HTTP/1.1', 'GET h:1 HTTP/1.1', '\r\nGET / HTTP/1.1',
  '\r\n\r\nGET / HTTP/1.1', '\nGET / HTTP/1.1', 'GET //x HTTP/1.1', 'GET /"<>\\^`{|} HTTP/1.1', 'GET /%zz HTTP/1.1',
  'GET ftp://h/ HTTP/1.1', 'GET http:// HTTP/1.1', 'GET /a b HTTP/1.1', 'GET /\x7f HTTP/1.1', 'PRI * HTTP/2.0']) {
  add(`${line}\r\n${host}\r\n`);
}
for (const fields of ['', 'Host: a\r\nHost: b\r\n', 'Host: a, b\r\n', 'Host: foo bar\r\n', 'Host: a/b\r\n',
  'Host:\r\n', 'Host: u@h\r\n', 'Host: h\x80\r\n', 'Host: h%zz\r\n', 'Host: h:99999999\r\n', `${host}Foo : bar\r\n`,
  `${host}Foo\r\n`, `${host}:bar\r\n`, `${host}F\xc3\xb6o: x\r\n`, `${host}Fo(o: b\r\n`, `${host}Foo:bar\r\n`,
  `${host}Foo:\tbar \t\r\n`, `${host}Foo: a\r\n b\r\n`, ' Host: h\r\n', `${host}Foo: a\rb\r\n`, `${host}Foo: a\n`,
  `${host}Foo: a\nBar: b\r\n`, `${host}Foo: \x80\xff\r\n`, `${host}Foo:\r\n`, `${host}Connection: close\r\n`,
  `${host}Connection: keep-alive, close\r\n`, `${host}Connection: Upgrade\r\nUpgrade: websocket\r\n`,
  `${host}Expect: 100-continue\r\n`, `${host}Expect: foo\r\n`]) {
  add(`GET / HTTP/1.1\r\n${fields}\r\n`);
  add(`GET / HTTP/1.1\r\n${fields}\r\nGET /2 HTTP/1.1\r\n${host}\r\n`);
}
for (let code = 0; code < 256; code++) {
  const character = String.fromCharCode(code);
  add(`GET / HTTP/1.1\r\n${host}Foo: a${character}b\r\n\r\n`);
  add(`GET / HTTP/1.1\r\n${host}F${character}o: b\r\n\r\n`);
  add(`GET /a${character}b HTTP/1.1\r\n${host}\r\n`);
  add(`GET http://a${character}b/ HTTP/1.1\r\n${host}\r\n`);
  add(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5${character}\r\nhello\r\n0\r\n\r\n`);
  add(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: ${character}chunked\r\n\r\n0\r\n\r\n`);
  add(`POST / HTTP/1.1\r\n${host}Content-Length: 5${character}\r\n\r\nhello`);
  add(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5;a${character}b=c\r\nhello\r\n0\r\n\r\n`);
}
add('GET / HTTP/1.1\nHost: h\n\n');
add('GET / HTTP/1.1\rHost: h\r\r');
add('GET / HTTP/1.0\r\n\r\n');
add('POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
add('POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nxGET / HTTP/1.0\r\n\r\n');
for (const length of ['5', ' 5 ', '05', '+5', '-5', '0x5', '5_0', '5 5', '5.0', '1e1', '5;', '', '\xd9\xa5', '5,5',
  '5, 5', '5,6', '5\r\nContent-Length: 5', '5\r\nContent-Length: 6', '99999999999999999999', '18446744073709551615',
  '18446744073709551621', '0', '0\r\nTransfer-Encoding: chunked', '00000000000000000000005']) {
  add(`POST / HTTP/1.1\r\n${host}Content-Length: ${length}\r\n\r\nhelloGET /args HTTP/1.1\r\n${host}\r\n`);
}
for (const coding of ['chunked', 'Chunked', '\tchunked', 'xchunked', 'identity', 'gzip, chunked', 'chunked, identity',
  'chunked,', ',chunked', '"chunked"', 'chunked;q=1', '', '\x0bchunked', '\x85chunked', '\xa0chunked',
  'chunked\r\nTransfer-Encoding: chunked', 'chunked\r\nContent-Length: 5', 'identity\r\nTransfer-Encoding: chunked']) {
  const rest = `1\r\nZ\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n${host}\r\n`;
  add(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: ${coding}\r\n\r\n${rest}`);
}
for (const chunks of ['5\r\nhello\r\n0\r\n\r\n', '0000005\r\nhello\r\n0\r\n\r\n', '0x5\r\nhello\r\n0\r\n\r\n',
  '+5\r\nhello\r\n0\r\n\r\n', '-1\r\nhello\r\n0\r\n\r\n', '5_0\r\nhello\r\n0\r\n\r\n', ' 5\r\nhello\r\n0\r\n\r\n',
  '5 \r\nhello\r\n0\r\n\r\n', '5\t\r\nhello\r\n0\r\n\r\n', 'g\r\n', '\r\n', 'fffffffffffffffffffff\r\nhello',
  '7fffffffffffffff\r\nhello', 'ffffffffffffffff\r\nhello', '0'.repeat(70) + '5\r\nhello\r\n0\r\n\r\n',
  '5;ext=1\r\nhello\r\n0\r\n\r\n', '5;\r\nhello\r\n0\r\n\r\n', '5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n',
  '5;a="b\r\nhello\r\n0\r\n\r\n', '5\nhello\n0\n\n', '5\r\nhelloXX0\r\n\r\n', '5\r\nhello0\r\n\r\n', '0\r\nXX',
  '0\r\nXX\r\n\r\n', '0\r\nFoo: bar\r\n\r\n', '0\r\nContent-Length: 5\r\n\r\n',
  '0\r\nTransfer-Encoding: chunked\r\n\r\n',
  '0\r\nFoo : bar\r\n\r\n', '0\r\nFoo: a\r\n b\r\n\r\n', '0\n\r\n', '0\r\n\n', '0;a\r\n\r\n', '5;a\nhello\r\n0\r\n\r\n',
  '1\r\nZ\r\n1\r\nY\r\n0\r\n\r\n']) {
  add(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
  add(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${chunks}GET /2 HTTP/1.1\r\n${host}\r\n`);
}
const corpus = path.join(__dirname, 'Corpus', 'http1');
for (const name of fs.readdirSync(corpus).sort()) inputs.push(fs.readFileSync(path.join(corpus, name)).subarray(3));

// xorshift32, so that a run can be repeated.
let state = Number(seedText) >>> 0 || 1;
function random(below) {
  state ^= state << 13; state >>>= 0;
  state ^= state >>> 17;
  state ^= state << 5; state >>>= 0;
  return state % below;
}
const words = ['\r\n', '\n', '\r', ' ', '\t', '\0', ':', ';', ',', '0', '5', '\r\n\r\n', '0\r\n\r\n', 'chunked',
  'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: ', 'Content-Length: ', 'Host: x\r\n',
  ' HTTP/1.1\r\n', 'GET / HTTP/1.1\r\n', '\x7f', '\xff', '"', '\\', '#', '%', '@', '\r\n ', 'Connection: close\r\n']
  .map((word) => Buffer.from(word, 'latin1'));
const seeds = inputs.length;
for (let turn = 0; turn < Number(mutationCount); turn++) {
  let bytes = inputs[random(seeds)];
  for (let step = random(3); step >= 0; step--) {
    const at = random(bytes.length + 1);
    switch (random(5)) {
      case 0: bytes = Buffer.concat([bytes.subarray(0, at), words[random(words.length)], bytes.subarray(at)]); break;
      case 1: bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(4))]); break;
      case 2: {
        bytes = Buffer.from(bytes);
        if (at < bytes.length) bytes[at] = random(256);
        break;
      }
      case 3: {
        const from = random(bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, from + random(24)), bytes.subarray(at)]);
        break;
      }
      default: {
        const other = inputs[random(seeds)];
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length + 1))]);
      }
    }
  }
  inputs.push(bytes);
}

// MARK: verdicts

const methods = process.binding('http_parser').allMethods || process.binding('http_parser').methods;

function askNode(bytes) {
  const messages = [];
  let current = null;
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {});
  let pendingURL = '';
  parser[HTTPParser.kOnHeaders] = (headers, url) => { pendingURL += url; };
  parser[HTTPParser.kOnHeadersComplete] = (major, minor, headers, method, url) => {
    current = { method: methods[method], url: url === undefined ? pendingURL : url, body: [] };
    pendingURL = '';
    return 0;
  };
  parser[HTTPParser.kOnBody] = (chunk) => { current.body.push(Buffer.from(chunk)); };
  parser[HTTPParser.kOnMessageComplete] = () => {
    pendingURL = '';  // Trailers come by way of kOnHeaders too.
    if (current) messages.push(`${current.method} ${current.url} ${Buffer.concat(current.body).toString('hex')}`);
    current = null;
  };
  const result = parser.execute(bytes, 0, bytes.length);
  const error = result instanceof Error ? result : null;
  return { messages, code: error ? error.code : '', reason: error ? String(error.reason) : '' };
}

const frames = [];
for (const bytes of inputs) {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  frames.push(length, bytes);
}
const answer = spawnSync(program, { input: Buffer.concat(frames), maxBuffer: 1 << 30 });
if (answer.status !== 0) {
  console.log(`differential: the verdict program failed: ${answer.signal || answer.status}\n${answer.stderr}`);
  process.exit(1);
}
const ours = [];
let messages = [];
for (const line of answer.stdout.toString('utf8').split('\n')) {
  if (line.startsWith('m ')) messages.push(line.slice(2));
  else if (line) { ours.push({ messages, end: line }); messages = []; }
}
if (ours.length !== inputs.length) {
  console.log(`differential: ${inputs.length} inputs, ${ours.length} verdicts`);
  process.exit(1);
}

let same = 0;
const stricter = new Map();
const excused = new Map();
const looser = [];
const count = (map, key) => map.set(key, (map.get(key) || 0) + 1);
inputs.forEach((bytes, index) => {
  const mine = ours[index];
  const node = askNode(bytes);
  const common = Math.min(mine.messages.length, node.messages.length);
  const differing = mine.messages.slice(0, common).findIndex((message, at) => message !== node.messages[at]);
  if (differing < 0 && mine.messages.length <= node.messages.length) {
    if (mine.messages.length === node.messages.length || mine.end === 'c') same++;
    else count(stricter, mine.end);
    return;
  }
  const text = bytes.toString('latin1');
  const rule = differing < 0 && allowed.find(([, test]) => test(node, text));
  if (rule) count(excused, rule[0]);
  else looser.push({ text, mine, node });
});

const table = (title, map) => {
  console.log(title);
  const rows = [...map].sort((a, b) => b[1] - a[1]);
  for (const [key, number] of rows) console.log(`${String(number).padStart(8)}  ${key}`);
};
console.log(`${inputs.length} inputs (${seeds} written, the rest mutated), llhttp ${process.versions.llhttp}`);
console.log(`${String(same).padStart(8)}  same messages`);
table('stricter than llhttp:', stricter);
table('looser, and why that is meant:', excused);
console.log(`LOOSER: ${looser.length}`);
for (const { text, mine, node } of looser.slice(0, 20)) {
  console.log(`  ${JSON.stringify(text)}\n    ours ${JSON.stringify(mine)}\n    node ${JSON.stringify(node)}`);
}
process.exit(looser.length ? 1 : 0);
