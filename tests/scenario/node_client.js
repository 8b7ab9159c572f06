// Requests of Node's own HTTP/2 client: node node_client.js URL CA-FILE STREAMS.  Prints one line of JSON.
'use strict';
const fs = require('fs');
const http2 = require('http2');

const [url, caFile, count] = process.argv.slice(2);
const session = http2.connect(url, { ca: fs.readFileSync(caFile) });
const result = { right: 0, wrong: [], trailers: 0, early: 0 };
let left = Number(count);

session.on('error', (e) => { result.wrong.push(String(e)); finish(); });

function finish() {
  session.destroy();
  console.log(JSON.stringify(result));
  process.exit(0);
}

function ask(i) {
  const body = Buffer.alloc(1 + (i * 997) % 70000, i % 251);
  const stream = session.request({ ':method': 'POST', ':path': `/${i}`, te: 'trailers' }, { waitForTrailers: true });
  const got = [];
  let status;

  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': String(body.length) }));
  stream.on('headers', () => { result.early++; });
  stream.on('response', (head) => { status = head[':status']; });
  stream.on('trailers', (fields) => { result.trailers += fields['x-sum'] === String(body.length); });
  stream.on('data', (piece) => got.push(piece));
  stream.on('error', (e) => result.wrong.push(`${i}: ${e}`));
  stream.on('close', () => {
    if (status === 200 && Buffer.concat(got).equals(body)) result.right++;
    else result.wrong.push(`${i}: status ${status}, ${Buffer.concat(got).length} of ${body.length} bytes`);
    if (--left === 0) finish();
  });
  stream.end(body);
}

for (let i = 0; i < Number(count); i++) ask(i);
