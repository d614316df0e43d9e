// node e2e/bench/asker.ts RELAY SERVER: a relay at RELAY, behind which a client sends a DISCOVER every millisecond. Says "asking", and then
// when the first OFFER came, in milliseconds of the clock that performance.now() is of in every process (CLOCK_MONOTONIC).
import { createSocket } from 'node:dgram';
import { questionMessage } from '../../agent/core/server/question.ts';
import { type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import { DHCPOFFER, SERVER_PORT, XID } from '../../codec/v4/header.ts';
import { decodeMessage, messageTypeOf } from '../../codec/v4/message.ts';

const [relay = '', server = ''] = process.argv.slice(2);
const giaddr = parseIpv4(relay) as Ipv4;
const discover = Buffer.from(
  questionMessage({ hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, 1), giaddr }),
);
const socket = createSocket('udp4');
let xid = 0;
socket.on('message', (bytes) => {
  const message = decodeMessage(bytes);
  if (typeof message === 'string' || messageTypeOf(message) !== DHCPOFFER) return;
  console.log(`offered ${monotonicMillis()}`);
  process.exit();
});
socket.bind(SERVER_PORT, relay, () => {
  console.log('asking');
  setInterval(() => {
    discover.writeUInt32BE(++xid, XID);
    socket.send(discover, SERVER_PORT, server);
  }, 1);
});

function monotonicMillis(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
