// What one exchange costs a server's core: `node agent/core/server/bench.ts [exchanges] [known]`. No sockets and no disk;
// the checksums of every packet are verified and made.
import assert from 'node:assert/strict';
import { formatIpv4, type Ipv4, readIpv4, writeIpv4 } from '../../../codec/ipv4.ts';
import { HEADERS_LENGTH, writeHeaders } from '../../../codec/link/datagram.ts';
import * as H from '../../../codec/v4/header.ts';
import { Leases } from '../lease/table.ts';
import { Outbox } from '../outbox.ts';
import { ENTRY, SLOT } from '../ring.ts';
import { arenaBytes, ReplyArena } from './arena.ts';
import { ServerCore } from './core.ts';
import { configOf, ETH0, ip, link, messageOf, type Say, SERVER } from './testbed.ts';

const BATCH = 256;
/** Twice what is in flight: a core that is half full turns new clients away. */
const HELD = 1024;
const SLOT_BYTES = 2048;
const GIADDR = '10.0.0.2';

const exchanges = Number(process.argv[2] ?? 200_000);
const clients = Number(process.argv[3] ?? exchanges);

const immediateAt = BATCH * SLOT_BYTES;
const headersAt = immediateAt + arenaBytes(BATCH, HELD);
const ring = Buffer.alloc(headersAt + 2 * BATCH * HEADERS_LENGTH);
const meta = new Uint32Array(BATCH * SLOT.WORDS);
const routed = new Outbox(ring, headersAt, BATCH);
const arena = new ReplyArena({
  bytes: ring,
  at: immediateAt,
  immediate: BATCH,
  held: HELD,
  routed,
  link: new Outbox(ring, headersAt + BATCH * HEADERS_LENGTH, BATCH),
});
let drops = 0;
const nothing = (): void => {};
const core = new ServerCore({
  config: configOf({
    subnets: [
      {
        cidr: '10.0.0.0/14',
        pools: [{ start: '10.0.1.0', end: '10.3.255.254' }],
        options: { routers: ['10.0.0.1'], domainNameServers: ['10.0.0.1'] },
      },
    ],
    limits: { perClient: 1000 },
  }),
  links: [link(ETH0, 'eth0', SERVER)],
  leases: new Leases({ secret: { low: 5, high: 6 } }),
  arena,
  keys: [
    { low: 1, high: 2 },
    { low: 3, high: 4 },
  ],
  epoch: 0,
  port: { arp: nothing, icmp: nothing },
  observer: {
    request: nothing,
    reply: nothing,
    drop: () => {
      drops++;
    },
    lease: nothing,
    conflict: nothing,
    declined: nothing,
    clone: nothing,
    probeSkipped: nothing,
    informationOmitted: nothing,
    foreignServer: nothing,
  },
});

const common: Say = { giaddr: GIADDR, ask: [1, 3, 6, 15, 28, 51, 54] };
const discover = messageOf({ ...common, type: 'DISCOVER' });
const request = messageOf({ ...common, type: 'REQUEST', requested: '0.0.0.0', server: SERVER });
// Offsets of the requested address and of the hardware address in the packets.
const requestedAt = Buffer.from(request).indexOf(Buffer.of(50, 4)) + 2;
const offered = new Uint32Array(BATCH);

function fill(template: Uint8Array, first: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const at = i * SLOT_BYTES;
    const message = at + HEADERS_LENGTH;
    ring.set(template, message);
    ring.writeUInt32BE((first + i) % clients, message + H.CHADDR + 2);
    ring.writeUInt32BE(first + i, message + H.XID);
    if (template === request) writeIpv4(ring, message + requestedAt, offered[i]! as Ipv4);
    const end = message + template.length;
    writeHeaders(ring, at, ip(GIADDR), 67, ip(SERVER), 67, message, end);
    meta[i * SLOT.WORDS + SLOT.START] = at;
    meta[i * SLOT.WORDS + SLOT.LENGTH] = end - at;
    meta[i * SLOT.WORDS + SLOT.IFINDEX] = ETH0;
  }
}

let busy = 0;
let now = 1_000_000;
let answered = 0;
const started = performance.now();
for (let first = 0; first < exchanges; first += BATCH) {
  const count = Math.min(BATCH, exchanges - first);
  now += 3;
  fill(discover, first, count);
  let begin = performance.now();
  for (let i = 0; i < count; i++) core.receive(now, ring, meta, i * SLOT.WORDS);
  busy += performance.now() - begin;
  assert.equal(routed.count, count, `${drops} drops`);
  for (let i = 0; i < count; i++) {
    offered[i] = readIpv4(ring, routed.entries[i * ENTRY.WORDS + ENTRY.BODY_AT]! + H.YIADDR);
  }
  arena.flushed();
  fill(request, first, count);
  begin = performance.now();
  for (let i = 0; i < count; i++) core.receive(now, ring, meta, i * SLOT.WORDS);
  core.durable(Number.MAX_SAFE_INTEGER);
  busy += performance.now() - begin;
  answered += routed.count;
  arena.flushed();
}
assert.equal(answered, exchanges);
assert.equal(drops, 0);

// Renewals of what was just given, past the relay.
const renewal = messageOf({ type: 'REQUEST', ciaddr: '0.0.0.1', ask: [1, 3, 6, 15, 28, 51, 54] });
let renewing = 0;
let renewals = 0;
for (let first = 0; first + BATCH <= Math.min(clients, exchanges); first += BATCH) {
  now += 3;
  fillRenewals(first);
  const begin = performance.now();
  for (let i = 0; i < BATCH; i++) core.receive(now, ring, meta, i * SLOT.WORDS);
  core.durable(Number.MAX_SAFE_INTEGER);
  renewing += performance.now() - begin;
  assert.equal(routed.count, BATCH, `${drops} drops`);
  renewals += BATCH;
  arena.flushed();
}

// Addresses were given in order, from the first of the pool on.
function fillRenewals(first: number): void {
  for (let i = 0; i < BATCH; i++) {
    const message = i * SLOT_BYTES + HEADERS_LENGTH;
    const address = (ip('10.0.1.0') + first + i) as Ipv4;
    ring.set(renewal, message);
    ring.writeUInt32BE(first + i, message + H.CHADDR + 2);
    writeIpv4(ring, message + H.CIADDR, address);
    const end = message + renewal.length;
    writeHeaders(ring, i * SLOT_BYTES, address, 68, ip(SERVER), 67, message, end);
    meta[i * SLOT.WORDS + SLOT.LENGTH] = end - i * SLOT_BYTES;
  }
}

const last = formatIpv4(offered[0]! as Ipv4);
const each = (busy * 1e3) / exchanges;
console.log(
  `${exchanges} exchanges of ${clients} clients: ${each.toFixed(2)} µs each, ${Math.round(1e6 / each)}/s; ` +
    `renewals ${((renewing * 1e3) / renewals).toFixed(2)} µs each; ` +
    `${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MB, ${(performance.now() - started).toFixed(0)} ms, last ${last}`,
);
