// The peer in Node: its http module as it comes, one process.
'use strict';
const http = require('http');

const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
const sleeping = new Int32Array(new SharedArrayBuffer(4));

function run(steps) {
  let x = 0x7f4a7c15 ^ steps;
  for (let i = 0; i < steps; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return x >>> 0;
}

// A fixed amount of work, measured on the idle core. Every peer burns CPU by this rule.
let best = Infinity;
for (let i = 0; i < 50; i++) {
  const start = process.hrtime.bigint();
  run(1000000);
  best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e6);
}
const perMillisecond = Math.round(1000000 / best);

const server = http.createServer((request, response) => {
  let body = 'hello';
  if (request.url !== '/') {
    const url = new URL(request.url, 'http://localhost');
    const milliseconds = Number(url.searchParams.get('ms'));
    if (url.pathname === '/block') {
      Atomics.wait(sleeping, 0, 0, milliseconds);
      body = 'done';
    } else if (url.pathname === '/cpu') {
      body = String(run(milliseconds * perMillisecond));
    }
  }
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
});
server.keepAliveTimeout = 3600 * 1000;
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
