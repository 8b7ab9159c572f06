// Messages through the `ws` package: node node_websocket.js URL CA-FILE.  Prints "done" when all came back.
'use strict';
const fs = require('fs');
const WebSocket = require('ws');

const [url, caFile] = process.argv.slice(2);
const sent = [Buffer.from('hello'), Buffer.alloc(300000, 7), Buffer.alloc(0)];
const socket = new WebSocket(url, { ca: fs.readFileSync(caFile) });
let at = 0;

socket.on('open', () => sent.forEach((m) => socket.send(m)));
socket.on('message', (data) => {
  if (!data.equals(sent[at])) throw new Error(`message ${at} came back changed`);
  if (++at === sent.length) socket.ping('alive');
});
socket.on('pong', (data) => socket.close(4001, String(data)));
socket.on('close', (code, reason) => console.log(code === 4001 && String(reason) === 'alive' ? 'done' : `closed: ${code}`));
