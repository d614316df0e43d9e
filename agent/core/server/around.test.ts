// What is around requests: packets that are none, other servers, backlog, administrators, questions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEADERS_LENGTH, writeHeaders } from '../../../codec/link/datagram.ts';
import { encodeMessage } from '../../../codec/v4/encode.ts';
import { ipv4 } from '../../../codec/v4/kinds.ts';
import { decodeMessage } from '../../../codec/v4/message.ts';
import type { DhcpServerSpec } from '../../../crds/types/dhcpserver.ts';
import { Leases } from '../lease/table.ts';
import { Outbox } from '../outbox.ts';
import { PACKET_TYPE, SLOT } from '../ring.ts';
import { arenaBytes, ReplyArena } from './arena.ts';
import { isDiscover } from './backlog.ts';
import { ServerCore } from './core.ts';
import { ServerCounters } from './counters.ts';
import { SERVER_DROPS } from './drops.ts';
import { planLinks } from './links.ts';
import { questionMessage } from './question.ts';
import {
  Bed,
  configOf,
  ETH0,
  ETH1,
  ip,
  link,
  messageOf,
  SERVER,
  SUBNET,
  taking,
} from './testbed.ts';

const A = '02:00:00:00:00:0a';

/** Where in its slot the kernel puts a packet. */
const START = 96;

/** A core with a ring of one packet, as a role has it. */
function bare(packetType: number, mangle: (ring: Buffer) => void = () => {}) {
  const message = messageOf({});
  const at = 2048;
  const headersAt = at + arenaBytes(1, 1);
  const ring = Buffer.alloc(headersAt + 2 * HEADERS_LENGTH);
  const payloadAt = START + HEADERS_LENGTH;
  const end = payloadAt + message.length;
  ring.set(message, payloadAt);
  writeHeaders(ring, START, ip('0.0.0.0'), 68, ip('255.255.255.255'), 67, payloadAt, end);
  mangle(ring.subarray(START));
  const meta = new Uint32Array(SLOT.WORDS);
  meta[SLOT.START] = START;
  meta[SLOT.LENGTH] = end - START;
  meta[SLOT.IFINDEX] = ETH0;
  meta[SLOT.PACKET_TYPE] = packetType;
  const routed = new Outbox(ring, headersAt, 1);
  const onLink = new Outbox(ring, headersAt + HEADERS_LENGTH, 1);
  const counters = new ServerCounters();
  const core = new ServerCore({
    config: configOf({}),
    links: [link(ETH0, 'eth0', SERVER)],
    leases: new Leases({ secret: { low: 1, high: 2 } }),
    arena: new ReplyArena({ bytes: ring, at, immediate: 1, held: 1, routed, link: onLink }),
    observer: counters,
    port: { arp: () => {}, icmp: () => {} },
    keys: [
      { low: 1, high: 2 },
      { low: 3, high: 4 },
    ],
    epoch: 0,
  });
  return { core, ring, meta, counters, onLink };
}

// [what is wrong with the packet, its type, what is done to it, why it is dropped]
for (const [name, type, mangle, reason] of [
  ['nothing', PACKET_TYPE.BROADCAST, () => {}, null],
  ['it is for another host', PACKET_TYPE.OTHER_HOST, () => {}, 'otherHost'],
  ['it is our own', PACKET_TYPE.OUTGOING, () => {}, 'ownOutput'],
  ['it is no IPv4', PACKET_TYPE.HOST, (ring: Buffer) => ring.writeUInt8(0x65, 0), 'notIpv4'],
  [
    'its header is damaged',
    PACKET_TYPE.HOST,
    (ring: Buffer) => ring.writeUInt8(99, 8),
    'badIpChecksum',
  ],
  [
    'its data is damaged',
    PACKET_TYPE.HOST,
    (ring: Buffer) => ring.writeUInt8(9, 60),
    'badUdpChecksum',
  ],
] as const) {
  test(`a packet of which the matter is: ${name}`, () => {
    const { core, ring, meta, counters, onLink } = bare(type, mangle);
    assert.equal(core.receive(0, ring, meta, 0), reason);
    assert.deepEqual([...counters.drops], reason === null ? [] : [[reason, 1]]);
    assert.equal(onLink.count, reason === null ? 1 : 0);
  });
}

test('every drop says what it means', () => {
  for (const [reason, words] of Object.entries(SERVER_DROPS)) {
    assert.match(reason, /^[a-z][A-Za-z]+$/);
    assert.ok(words.length > 10 && !words.endsWith('.'));
  }
});

test('a DISCOVER is told from others at a glance', () => {
  const { ring, meta } = bare(PACKET_TYPE.BROADCAST);
  assert.equal(isDiscover(ring, meta, 0), true);
  ring.set(messageOf({ type: 'REQUEST', requested: '192.0.2.10' }), START + HEADERS_LENGTH);
  assert.equal(isDiscover(ring, meta, 0), false);
  meta[SLOT.LENGTH] = 100;
  assert.equal(isDiscover(ring, meta, 0), false);
});

test('under overload new clients are turned away and those with leases are not', () => {
  const bed = new Bed();
  const offer = bed.ask({ mac: A });
  bed.machine.core.overloaded = true;
  assert.deepEqual(bed.say({}), []);
  assert.equal(bed.dropped(), 'overload');
  assert.equal(bed.ask(taking(offer, { mac: A })).type, 'ACK');
  assert.equal(bed.ask({ type: 'REQUEST', mac: A, ciaddr: '192.0.2.10' }).type, 'ACK');
});

/** An OFFER that another server broadcasts. */
function offerOf(server: string | null): Uint8Array {
  const message = decodeMessage(messageOf({}));
  assert.ok(typeof message !== 'string');
  const options = [
    { code: 53, data: Uint8Array.of(2) },
    ...(server === null ? [] : [{ code: 54, data: ipv4.encode(ip(server)) }]),
  ];
  return encodeMessage({ ...message, op: 2, options }, { maxBytes: 548, overload: false }).bytes;
}

// [the servers that are known, who answers, on which interface, what is told]
for (const [name, spec, server, ifindex, told] of [
  ['another server', {}, '192.0.2.2', ETH0, ['foreign 192.0.2.2']],
  ['one that is known', { known: [{ address: '192.0.2.2' }] }, '192.0.2.2', ETH0, []],
  ['this one, through a relay', {}, SERVER, ETH0, []],
  ['another one, where we do not serve', {}, '192.0.2.2', ETH1, []],
  ['another one, but nobody wants to know', { mode: 'Off' }, '192.0.2.2', ETH0, []],
] as const) {
  test(`an answer passes by: ${name}`, () => {
    const bed = new Bed({ foreignServers: spec as NonNullable<DhcpServerSpec['foreignServers']> });
    const actions = bed.machine.handle(bed.now, {
      kind: 'received',
      ifindex,
      source: ip(server),
      sourcePort: 67,
      destination: ip('255.255.255.255'),
      destinationPort: 68,
      message: offerOf(server),
    });
    assert.deepEqual(actions, [{ kind: 'drop', reason: 'toClient' }]);
    assert.deepEqual(bed.told, told);
  });
}

test('a server that does not say who it is goes by where it sends from', () => {
  const bed = new Bed();
  bed.machine.handle(bed.now, {
    kind: 'received',
    ifindex: ETH0,
    source: ip('192.0.2.2'),
    sourcePort: 67,
    destination: ip('255.255.255.255'),
    destinationPort: 68,
    message: offerOf(null),
  });
  assert.deepEqual(bed.told, ['foreign 192.0.2.2']);
});

// [the client, whether it had our offer, the servers that are known, what is told]
for (const [name, say, offered, spec, told] of [
  ['another server', { mac: A }, true, {}, ['foreign 192.0.2.2']],
  ['one that is known', { mac: A }, true, { known: [{ address: '192.0.2.2' }] }, []],
  ['another one, but nobody wants to know', { mac: A }, true, { mode: 'Off' }, []],
  ['one that answered before us, maybe', { mac: A }, false, {}, []],
  ['one that its relay asks too', { mac: A, giaddr: '192.0.2.3' }, true, {}, []],
] as const) {
  test(`a client takes the offer of ${name}`, () => {
    const bed = new Bed({ foreignServers: spec as NonNullable<DhcpServerSpec['foreignServers']> });
    if (offered) bed.ask(say);
    const taken = { type: 'REQUEST', requested: '192.0.2.99', server: '192.0.2.2' } as const;
    assert.deepEqual(bed.say({ ...say, ...taken }), []);
    assert.equal(bed.dropped(), 'otherServer');
    assert.deepEqual(bed.told, told);
  });
}

test('who else answers is asked on every link that is served, from no address', () => {
  const bed = new Bed();
  bed.machine.core.askForServers(0xabcd);
  const [asked, ...more] = bed.pass(0);
  assert.deepEqual(more, []);
  assert.equal(asked!.type, 'DISCOVER');
  assert.equal(asked!.from, '0.0.0.0:68');
  assert.equal(asked!.to, 'eth0 ff:ff:ff:ff:ff:ff 255.255.255.255:67');
  assert.equal(asked!.message.xid, 0xabcd);
});

test('an administrator takes an address back, once', () => {
  const bed = new Bed();
  bed.lease({ mac: A });
  const { core } = bed.machine;
  assert.equal(core.release(bed.now, ip('192.0.2.10')), true);
  assert.equal(core.release(bed.now, ip('192.0.2.10')), false);
  assert.equal(bed.stateOf('192.0.2.10'), 'released');
});

test('a question is answered as the client would be', () => {
  const bed = new Bed({
    boot: [{ architectures: ['x64-uefi'], file: 'ipxe.efi' }],
    subnets: [
      SUBNET,
      {
        cidr: '203.0.113.0/24',
        pools: [{ cidr: '203.0.113.128/25' }],
        reservations: [{ address: '203.0.113.9', circuitId: { text: 'port-7' } }],
      },
    ],
  });
  const question = questionMessage({
    hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, 10),
    giaddr: ip('203.0.113.1'),
    circuitId: Buffer.from('port-7'),
    architecture: 7,
  });
  const { steps, offer, silence } = bed.machine.core.explain(bed.now, question, 0);
  assert.deepEqual(
    steps.map(({ about, because }) => `${about}: ${because}`),
    [
      'identity: the hardware address',
      'subnet: 203.0.113.0/24, by giaddr 203.0.113.1',
      'classes: none',
      'reservation: 203.0.113.9, by circuit-id',
      'address: 203.0.113.9: reserved for the client',
      'probe: none: conflict detection is off',
      'lease time: 3600 s, by server',
      'boot: ipxe.efi, entry 0 of the table',
    ],
  );
  assert.equal(silence, null);
  assert.deepEqual(offer, {
    address: '203.0.113.9',
    subnet: '203.0.113.0/24',
    leaseSeconds: 3600,
    options: [
      option(1, 'subnetMask', '255.255.255.0', "the subnet's cidr"),
      option(28, 'broadcastAddress', '203.0.113.255', "the subnet's cidr", false),
      option(67, 'bootFileName', '"ipxe.efi"', 'entry 0 of the boot table'),
    ],
  });
});

function option(code: number, name: string, value: string, origin: string, sent = true): object {
  return { code, name, value, origin, sent };
}

// [what is so of the interface, why it is not served]
for (const [name, change, reason] of [
  ['all is well', {}, undefined],
  ['down', { up: false }, 'down'],
  ['loopback', { loopback: true }, 'loopback'],
  ['a port of a bridge', { enslaved: true }, 'enslaved'],
  ['without an address', { addresses: [] }, 'noAddress'],
  ['in no subnet', { addresses: link(ETH0, 'eth0', '10.9.9.9').addresses }, 'noSubnet'],
  ['excluded', { name: 'eth0x' }, 'excluded'],
  ['not asked for', { name: 'wlan0' }, undefined],
] as const) {
  test(`an interface that is ${name}: ${reason ?? 'nothing to mend'}`, () => {
    const config = configOf({ interfaces: [{ match: 'eth0*' }], excludeInterfaces: ['eth0x'] });
    const bed = new Bed();
    const plan = Object.create(bed.machine.core.plan, { config: { value: config } });
    const { unserved } = planLinks(plan, [{ ...link(ETH0, 'eth0', SERVER), ...change }]);
    assert.equal(unserved[0]?.reason, reason);
  });
}
