// A door before an API server: `node door.ts listen-address target-address:port`. It prints where it listens and a line for
// every connection. SIGHUP cuts all that are open, by FIN one time and by RST the next; those that come later pass again.
import { connect, createServer, type Socket } from 'node:net';

const [address = '127.0.0.1', target = ''] = process.argv.slice(2);
const [host = '', port = ''] = target.split(':');
const open = new Set<Socket>();
let byReset = false;

function pass(from: Socket, to: Socket): void {
  open.add(from);
  from.pipe(to);
  // Whatever goes wrong ends with 'close'.
  from.on('error', () => {});
  from.once('close', () => {
    open.delete(from);
    to.destroy();
  });
}

const server = createServer((client) => {
  console.log(`connection ${client.remoteAddress}`);
  const upstream = connect(Number(port), host);
  pass(client, upstream);
  pass(upstream, client);
});
server.listen(0, address, () => {
  const at = server.address();
  if (at !== null && typeof at === 'object') console.log(`door ${at.address}:${at.port}`);
});

process.on('SIGHUP', () => {
  byReset = !byReset;
  console.log(`cut ${open.size / 2} by ${byReset ? 'RST' : 'FIN'}`);
  for (const socket of open) byReset ? socket.resetAndDestroy() : socket.destroy();
});
