// What is configured, and what a server remembers: reservations, classes, pools, probes, clones, limits, boot tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WallMillis } from '../../../codec/machine.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import { encodeRelayInformation, SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import type { DhcpServerSpec } from '../../../crds/types/dhcpserver.ts';
import { Leases } from '../lease/table.ts';
import type { LeaseTable } from '../lease.ts';
import { Bed, ETH0, ip, link, type Say, SERVER, SUBNET, taking } from './testbed.ts';

const A = '02:00:00:00:00:0a';
const B = '02:00:00:00:00:0b';
const C = '02:00:00:00:00:0c';

const small = (start: string, end: string, more: object = {}) => ({
  ...SUBNET,
  pools: [{ start, end }],
  ...more,
});
const circuit = (text: string): Uint8Array =>
  encodeRelayInformation([{ code: SUB_OPTION.circuitId, data: Buffer.from(text) }]);

// Reservations: [who is meant, who asks, the address]
const RESERVATIONS: readonly (readonly [string, object, Say, string])[] = [
  ['hardware address', { hardwareAddress: A }, { mac: A }, '192.0.2.5'],
  ['hardware address of another', { hardwareAddress: A }, { mac: B }, '192.0.2.10'],
  [
    'hardware address, whatever the client identifier',
    { hardwareAddress: A },
    { mac: A, clientId: Uint8Array.of(0, 9) },
    '192.0.2.5',
  ],
  [
    'client identifier in hex',
    { clientId: { hex: '01:02' } },
    { clientId: Uint8Array.of(1, 2) },
    '192.0.2.5',
  ],
  [
    'client identifier as text',
    { clientId: { text: 'pc7' } },
    { clientId: Buffer.from('pc7') },
    '192.0.2.5',
  ],
  [
    'client identifier as text, sent with type 0',
    { clientId: { text: 'pc7' } },
    { clientId: Buffer.from('\0pc7') },
    '192.0.2.5',
  ],
  [
    'client identifier in hex, sent with type 0',
    { clientId: { hex: '7063' } },
    { clientId: Buffer.from('\0pc') },
    '192.0.2.10',
  ],
  ['circuit-id', { circuitId: { text: 'port-7' } }, { relay: circuit('port-7') }, '192.0.2.5'],
  [
    'any option',
    { option: { name: 'vendorClass', text: 'AcmePhone' } },
    { options: { 60: Buffer.from('AcmePhone') } },
    '192.0.2.5',
  ],
  [
    'any option, another value',
    { option: { code: 60, text: 'AcmePhone' } },
    { options: { 60: Buffer.from('AcmePhone2') } },
    '192.0.2.10',
  ],
];

for (const [name, who, say, address] of RESERVATIONS) {
  test(`reserved by ${name}`, () => {
    const reservations = [{ address: '192.0.2.5', ...who }];
    const bed = new Bed({ subnets: [{ ...SUBNET, reservations }] });
    assert.equal(bed.lease(say), address);
  });
}

test('a reserved address inside a pool is given to nobody else', () => {
  const reservations = [{ address: '192.0.2.10', hardwareAddress: A }];
  const bed = new Bed({ subnets: [small('192.0.2.10', '192.0.2.11', { reservations })] });
  assert.equal(bed.ask({ mac: B, requested: '192.0.2.10' }).yiaddr, '192.0.2.11');
  assert.equal(
    bed.ask({ type: 'REQUEST', mac: B, requested: '192.0.2.10', server: SERVER }).type,
    'NAK',
  );
  assert.deepEqual(bed.say({ mac: C }), []);
  assert.equal(bed.ask({ mac: A }).yiaddr, '192.0.2.10');
});

test('a client with a new reservation is refused its old address and gets the reserved one', () => {
  const bed = new Bed();
  bed.lease({ mac: A });
  bed.configure({
    subnets: [{ ...SUBNET, reservations: [{ address: '192.0.2.5', hardwareAddress: A }] }],
  });
  assert.equal(bed.ask({ type: 'REQUEST', mac: A, ciaddr: '192.0.2.10' }).type, 'NAK');
  assert.equal(bed.lease({ mac: A }), '192.0.2.5');
  assert.equal(bed.stateOf('192.0.2.10'), 'released');
});

test('an address that is reserved for another now is refused at the next renewal', () => {
  const bed = new Bed();
  bed.lease({ mac: B });
  bed.configure({
    subnets: [{ ...SUBNET, reservations: [{ address: '192.0.2.10', hardwareAddress: A }] }],
  });
  assert.notEqual(bed.ask({ mac: A }).yiaddr, '192.0.2.10', 'until then it is still in use');
  assert.equal(bed.ask({ type: 'REQUEST', mac: B, ciaddr: '192.0.2.10' }).type, 'NAK');
  assert.equal(bed.ask({ mac: A }).yiaddr, '192.0.2.10');
});

test('a machine that boots with another client identifier takes over its reserved address', () => {
  const bed = new Bed({
    subnets: [{ ...SUBNET, reservations: [{ address: '192.0.2.5', hardwareAddress: A }] }],
  });
  assert.equal(bed.lease({ mac: A, clientId: Uint8Array.of(0, 1) }), '192.0.2.5');
  assert.equal(bed.lease({ mac: A, clientId: Uint8Array.of(0, 2) }), '192.0.2.5');
  assert.equal(bed.lease({ mac: A }), '192.0.2.5');
});

test('what is plugged into a port after another takes over the address of the port', () => {
  const bed = new Bed({
    subnets: [{ ...SUBNET, reservations: [{ address: '192.0.2.5', circuitId: { text: 'p7' } }] }],
  });
  assert.equal(bed.lease({ mac: A, relay: circuit('p7') }), '192.0.2.5');
  assert.equal(bed.lease({ mac: B, relay: circuit('p7') }), '192.0.2.5');
  assert.equal(
    bed.ask({ type: 'REQUEST', mac: A, ciaddr: '192.0.2.5', relay: circuit('p7') }).type,
    'NAK',
  );
});

const CLASSES: Partial<DhcpServerSpec> = {
  classes: [
    { name: 'phones', match: 'packet.vendorClass.startsWith("AcmePhone")', leaseTime: '10m' },
    { name: 'banned', match: 'packet.hostname == "evil"', refuse: true },
  ],
  subnets: [
    {
      ...SUBNET,
      pools: [
        { start: '192.0.2.10', end: '192.0.2.11' },
        { start: '192.0.2.100', end: '192.0.2.100', classes: ['phones'] },
      ],
    },
  ],
};
const PHONE = { options: { 60: Buffer.from('AcmePhone 7') } };

test('a class decides the pool and the lease time', () => {
  const bed = new Bed(CLASSES);
  const offer = bed.ask({ mac: A, ...PHONE });
  assert.equal(offer.yiaddr, '192.0.2.100');
  assert.equal(offer.option(OPTION.leaseTime), '10m');
  assert.equal(bed.ask({ mac: B }).yiaddr, '192.0.2.10');
});

test('a client of a class takes from the pools for all when its own are empty; others never from its own', () => {
  const bed = new Bed(CLASSES);
  bed.lease({ mac: A, ...PHONE });
  assert.equal(bed.lease({ mac: B, ...PHONE }), '192.0.2.10');
  assert.equal(bed.lease({ mac: C }), '192.0.2.11');
  assert.deepEqual(bed.say({ mac: '02:00:00:00:00:0d' }), []);
  assert.equal(bed.dropped(), 'exhausted');
});

test('a client that leaves its class has to leave the pool of it', () => {
  const bed = new Bed(CLASSES);
  bed.lease({ mac: A, ...PHONE });
  assert.equal(bed.ask({ type: 'REQUEST', mac: A, ciaddr: '192.0.2.100' }).type, 'NAK');
});

test('a class can be refused', () => {
  const bed = new Bed(CLASSES);
  assert.deepEqual(bed.say({ options: { 12: Buffer.from('evil') } }), []);
  assert.equal(bed.dropped(), 'refusedByClass');
});

test('a shared network is one link: the subnets after the first are used when that is full', () => {
  const bed = new Bed({
    subnets: [
      { ...small('192.0.2.10', '192.0.2.10'), sharedNetwork: 'hall' },
      {
        cidr: '203.0.113.0/24',
        sharedNetwork: 'hall',
        pools: [{ start: '203.0.113.10', end: '203.0.113.10' }],
      },
    ],
  });
  assert.equal(bed.lease({ mac: A }), '192.0.2.10');
  const offer = bed.ask({ mac: B });
  assert.equal(offer.yiaddr, '203.0.113.10');
  assert.equal(offer.option(OPTION.subnetMask), '255.255.255.0');
  assert.equal(bed.lease({ mac: B }), '203.0.113.10');
  assert.equal(
    bed.ask({ type: 'REQUEST', mac: B, ciaddr: '203.0.113.10', to: '255.255.255.255' }).type,
    'ACK',
  );
});

test('our own addresses are not given away, and are again when they are no more ours', () => {
  const bed = new Bed({ subnets: [small('192.0.2.1', '192.0.2.3')] });
  assert.equal(bed.lease({ mac: A }), '192.0.2.2');
  bed.machine.handle(bed.now, { kind: 'linksChanged', links: [link(ETH0, 'eth0', '192.0.2.3')] });
  assert.equal(bed.ask({ mac: B, to: '255.255.255.255' }).yiaddr, '192.0.2.1');
});

test('a narrowed pool refuses what lies outside at the next renewal, and is filled anew when widened', () => {
  const bed = new Bed();
  for (const mac of [A, B, C]) bed.lease({ mac });
  bed.configure({ subnets: [small('192.0.2.10', '192.0.2.11')] });
  assert.equal(bed.ask({ type: 'REQUEST', mac: A, ciaddr: '192.0.2.10' }).type, 'ACK');
  assert.equal(bed.ask({ type: 'REQUEST', mac: C, ciaddr: '192.0.2.12' }).type, 'NAK');
  bed.configure({});
  assert.equal(bed.ask({ mac: C }).yiaddr, '192.0.2.12', 'it had that one last');
});

test('an edit keeps offers: what was offered before is held', () => {
  const bed = new Bed();
  const offer = bed.ask({ mac: A });
  bed.configure({ subnets: [small('192.0.2.10', '192.0.2.30')] });
  assert.equal(bed.ask({ mac: B }).yiaddr, '192.0.2.11');
  assert.equal(bed.ask(taking(offer, { mac: A })).type, 'ACK');
});

test('of the addresses that were left the one left longest ago is used first', () => {
  const bed = new Bed({ subnets: [small('192.0.2.10', '192.0.2.12')] });
  const given = [A, B, C].map((mac) => bed.lease({ mac }));
  for (const i of [1, 0, 2]) {
    bed.pass(1000);
    bed.say({ type: 'RELEASE', mac: [A, B, C][i]!, ciaddr: given[i]!, server: SERVER });
  }
  assert.equal(bed.ask({ mac: '02:00:00:00:00:0d' }).yiaddr, given[1]);
  assert.equal(bed.ask({ mac: A }).yiaddr, given[0], 'which is still kept for its client');
  assert.equal(bed.ask({ mac: '02:00:00:00:00:0e' }).yiaddr, given[2]);
});

test('after a restart too the one left longest ago comes first', () => {
  const bed = new Bed({ subnets: [small('192.0.2.10', '192.0.2.11')] });
  bed.lease({ mac: A });
  bed.lease({ mac: B });
  bed.say({ type: 'RELEASE', mac: B, ciaddr: '192.0.2.11', server: SERVER });
  bed.pass(1000);
  bed.say({ type: 'RELEASE', mac: A, ciaddr: '192.0.2.10', server: SERVER });
  const restarted = new Bed(
    { subnets: [small('192.0.2.10', '192.0.2.11')] },
    { leases: bed.leases },
  );
  assert.equal(restarted.ask({ mac: C }).yiaddr, '192.0.2.11');
});

test('forged clients hold offers, not leases: a client that has one keeps it and others get their turn', () => {
  const bed = new Bed({ subnets: [small('192.0.2.10', '192.0.2.13')] });
  bed.lease({ mac: A });
  for (let i = 0; i < 100; i++) bed.say({ mac: `02:00:00:00:01:${(i + 16).toString(16)}` });
  assert.equal(bed.dropped(), 'exhausted');
  assert.equal(bed.ask({ type: 'REQUEST', mac: A, ciaddr: '192.0.2.10' }).type, 'ACK');
  bed.pass(11_000);
  assert.equal(bed.lease({ mac: B }), '192.0.2.11', 'the oldest offer that nobody took');
});

test('who comes back for an offer that somebody else has got meanwhile is refused', () => {
  const bed = new Bed({ subnets: [small('192.0.2.10', '192.0.2.10')] });
  const offer = bed.ask({ mac: A });
  bed.pass(11_000);
  const recycled = bed.ask({ mac: B });
  assert.equal(recycled.yiaddr, offer.yiaddr);
  assert.equal(bed.ask(taking(offer, { mac: A })).type, 'NAK');
  assert.equal(bed.ask(taking(recycled, { mac: B })).type, 'ACK');
  bed.pass(60_000);
  assert.equal(bed.stateOf('192.0.2.10'), 'bound');
  assert.deepEqual(bed.say({ mac: A }), []);
});

test('an address that its client left, offered to two others who did not take it, can be had again', () => {
  const bed = new Bed({ subnets: [small('192.0.2.10', '192.0.2.10')] });
  bed.lease({ mac: A });
  bed.say({ type: 'RELEASE', mac: A, ciaddr: '192.0.2.10', server: SERVER });
  assert.equal(bed.ask({ mac: B }).yiaddr, '192.0.2.10');
  bed.pass(11_000);
  assert.equal(bed.ask({ mac: C }).yiaddr, '192.0.2.10', 'recycled');
  bed.pass(600_000);
  assert.equal(bed.lease({ mac: '02:00:00:00:00:44' }), '192.0.2.10');
});

// Intents of users, by DhcpLease.
test('a quarantined address is given to nobody, and its holder must let it go', () => {
  const intents = [
    { kind: 'Quarantine', address: ip('192.0.2.10'), until: 1_100_000 as WallMillis, source: 'q' },
  ] as const;
  const bed = new Bed();
  bed.lease({ mac: A });
  bed.configure({}, intents);
  assert.equal(bed.ask({ type: 'REQUEST', mac: A, ciaddr: '192.0.2.10' }).type, 'NAK');
  assert.equal(bed.lease({ mac: A }), '192.0.2.11');
  assert.equal(bed.ask({ mac: B, requested: '192.0.2.10' }).yiaddr, '192.0.2.12');
  bed.pass(100_001);
  assert.notEqual(bed.ask({ mac: B }).yiaddr, '192.0.2.10', 'kept for its last client');
  assert.ok(
    bed.explain({ mac: A, requested: '192.0.2.10' }).every((step) => !step.includes('quarantined')),
  );
});

test('an offer that is not good any more is given up for another, and its address is free again', () => {
  const spec = { subnets: [small('192.0.2.10', '192.0.2.11')] };
  const bed = new Bed(spec);
  assert.equal(bed.ask({ mac: A }).yiaddr, '192.0.2.10');
  const until = 2_000_000_000_000 as WallMillis;
  const address = ip('192.0.2.10');
  bed.configure(spec, [{ kind: 'Quarantine', address, until, source: 'q' }]);
  assert.equal(bed.ask({ mac: A }).yiaddr, '192.0.2.11');
  bed.configure(spec);
  assert.equal(bed.ask({ mac: B }).yiaddr, '192.0.2.10');
  assert.equal(bed.ask({ mac: A }).yiaddr, '192.0.2.11', 'each has one');
});

test('a quarantine that ends leaves an address to who holds it, or to its last client first', () => {
  const spec = { subnets: [small('192.0.2.10', '192.0.2.12')] };
  const bed = new Bed(spec);
  for (const mac of [A, B, C]) bed.lease({ mac });
  bed.say({ type: 'RELEASE', mac: A, ciaddr: '192.0.2.10', server: SERVER });
  const until = (bed.now + 1000) as WallMillis;
  const quarantine = (text: string) =>
    ({ kind: 'Quarantine', address: ip(text), until, source: text }) as const;
  bed.configure(spec, ['192.0.2.10', '192.0.2.11'].map(quarantine));
  bed.pass(2000);
  assert.equal(bed.stateOf('192.0.2.11'), 'bound');
  const stranger = '02:00:00:00:00:44';
  assert.equal(bed.ask({ mac: stranger }).yiaddr, '192.0.2.10');
  assert.deepEqual(bed.say({ mac: '02:00:00:00:00:45' }), [], 'the other two are held');
  assert.equal(bed.ask({ type: 'REQUEST', mac: B, ciaddr: '192.0.2.11' }).type, 'ACK');
});

test('a lease that a user wrote reserves', () => {
  const match = { kind: 'hardwareAddress', octets: Uint8Array.of(2, 0, 0, 0, 0, 10) } as const;
  const intent = {
    kind: 'Reserve',
    address: ip('192.0.2.10'),
    match,
    hostname: 'door',
    source: 'r',
  } as const;
  const bed = new Bed({}, { intents: [intent] });
  assert.equal(bed.ask({ mac: B }).yiaddr, '192.0.2.11');
  const offer = bed.ask({ mac: A });
  assert.equal(offer.yiaddr, '192.0.2.10');
  assert.equal(offer.option(OPTION.hostName), '"door"');
});

test('a pinned address stays its holder’s, also after expiry when all others are taken', () => {
  const bed = new Bed({ subnets: [small('192.0.2.10', '192.0.2.11')] });
  bed.lease({ mac: A });
  const intents = [{ kind: 'Pin', address: ip('192.0.2.10'), source: 'p' }] as const;
  bed.configure({ subnets: [small('192.0.2.10', '192.0.2.11')] }, intents);
  bed.pass(4_000_000);
  assert.equal(bed.lease({ mac: B }), '192.0.2.11');
  assert.deepEqual(bed.say({ mac: C }), []);
  assert.equal(bed.lease({ mac: A }), '192.0.2.10');
});

test('a revoked address is taken from that client only', () => {
  const bed = new Bed();
  bed.lease({ mac: A });
  const match = { kind: 'hardwareAddress', octets: Uint8Array.of(2, 0, 0, 0, 0, 10) } as const;
  bed.configure({}, [{ kind: 'Revoke', address: ip('192.0.2.10'), match, source: 'r' }]);
  assert.equal(bed.ask({ type: 'REQUEST', mac: A, ciaddr: '192.0.2.10' }).type, 'NAK');
  assert.equal(bed.lease({ mac: A }), '192.0.2.11');
  assert.equal(
    bed.ask({ mac: B, requested: '192.0.2.10' }).yiaddr,
    '192.0.2.12',
    'kept while others are free',
  );
});

const PROBING: Partial<DhcpServerSpec> = {
  conflictDetection: { timeout: '300ms', repeatAfter: '10m' },
};

test('an address is probed by ARP before it is first offered', () => {
  const bed = new Bed(PROBING);
  assert.deepEqual(bed.say({ mac: A }), []);
  // Put aside, it is no drop: it gets its answer.
  const probe = { kind: 'arpProbe', ifindex: ETH0, address: ip('192.0.2.10') };
  assert.deepEqual(bed.actions, [probe]);
  assert.deepEqual(bed.pass(299), []);
  const [offer] = bed.pass(1);
  assert.equal(offer!.type, 'OFFER');
  assert.equal(offer!.yiaddr, '192.0.2.10');
});

test('a client that repeats itself during the probe is answered once, in its latest words', () => {
  const bed = new Bed(PROBING);
  bed.say({ mac: A, xid: 1 });
  bed.pass(100);
  bed.say({ mac: A, xid: 2 });
  assert.deepEqual(bed.actions, [{ kind: 'drop', reason: 'probing' }], 'no second probe');
  const offers = bed.pass(200);
  assert.deepEqual(
    offers.map(({ message }) => message.xid),
    [2],
  );
});

test('an address in use is taken out, reported, and another one offered', () => {
  const bed = new Bed(PROBING);
  bed.say({ mac: A });
  bed.pass(100);
  assert.deepEqual(bed.probeAnswered('192.0.2.10', C), []);
  assert.deepEqual(bed.told, ['conflict 192.0.2.10', 'declined 192.0.2.10']);
  const [offer] = bed.pass(300);
  assert.equal(offer!.yiaddr, '192.0.2.11');
  assert.equal(bed.stateOf('192.0.2.10'), 'declined');
});

test('when all that is tried is in use, nothing is offered unseen: the client asks again', () => {
  const bed = new Bed(PROBING);
  bed.say({ mac: A });
  for (let last = 10; last < 17; last++) bed.probeAnswered(`192.0.2.${last}`, C);
  assert.deepEqual(bed.probeAnswered('192.0.2.17', C), []);
  assert.equal(bed.dropped(), 'allInUse');
  assert.deepEqual(bed.pass(1000), []);
  bed.say({ mac: A });
  assert.equal(bed.pass(300)[0]!.yiaddr, '192.0.2.18');
});

test('the client itself may still have the address: then it is its own', () => {
  const bed = new Bed(PROBING);
  bed.say({ mac: A });
  const [offer] = bed.probeAnswered('192.0.2.10', A);
  assert.equal(offer!.yiaddr, '192.0.2.10');
  assert.deepEqual(bed.told, []);
});

test('an address beyond a relay is probed by ICMP', () => {
  const subnets = [
    { cidr: '203.0.113.0/24', pools: [{ start: '203.0.113.9', end: '203.0.113.9' }] },
  ];
  const bed = new Bed({ ...PROBING, subnets });
  bed.say({ giaddr: '203.0.113.1' });
  assert.deepEqual(bed.actions[0], { kind: 'icmpProbe', address: ip('203.0.113.9') });
});

test('a probe is not repeated for an address that was probed or held lately', () => {
  const bed = new Bed(PROBING);
  bed.say({ mac: A });
  const [offer] = bed.pass(300);
  assert.equal(bed.ask({ mac: A }).yiaddr, offer!.yiaddr);
  bed.ask(taking(offer!, { mac: A }));
  assert.equal(bed.ask({ mac: A }).yiaddr, offer!.yiaddr, 'its holder needs no probe');
  bed.say({ type: 'RELEASE', mac: A, ciaddr: offer!.yiaddr, server: SERVER });
  bed.pass(300_000);
  assert.equal(bed.ask({ mac: A }).yiaddr, offer!.yiaddr, 'left five minutes ago');
  bed.pass(900_000);
  assert.deepEqual(bed.say({ mac: A }), [], 'left long ago');
});

test('no more probes at a time than are written down; then addresses are offered unseen', () => {
  const bed = new Bed({
    ...PROBING,
    subnets: [{ cidr: '10.0.0.0/16', pools: [{ cidr: '10.0.0.0/17' }] }],
  });
  for (let i = 0; i < 1024; i++) {
    bed.say({ giaddr: '10.0.0.1', mac: `02:00:00:00:${hex(i >> 8)}:${hex(i & 255)}` });
  }
  assert.deepEqual(bed.actions, [{ kind: 'icmpProbe', address: ip('10.0.4.0') }]);
  assert.equal(bed.say({ giaddr: '10.0.0.1', mac: '02:00:00:00:99:99' }).length, 1);
  assert.deepEqual(bed.told, ['unprobed 10.0.4.1']);
});

const hex = (n: number): string => n.toString(16).padStart(2, '0');
const ID = Uint8Array.of(0, 42, 42);

test('RFC 2131 §4.2: with an identifier and without one, a machine is two clients, unless hardware addresses count', () => {
  const other = Uint8Array.of(0, 9, 9);
  const bed = new Bed();
  assert.equal(bed.lease({ clientId: ID }), '192.0.2.10');
  assert.equal(bed.lease({}), '192.0.2.11');
  assert.equal(bed.lease({ clientId: other }), '192.0.2.12');
  assert.equal(bed.lease({ clientId: ID }), '192.0.2.10', 'and each keeps its own');
  assert.equal(bed.lease({}), '192.0.2.11');
  const hardware = new Bed({ identity: 'HardwareAddress' });
  for (const clientId of [ID, other]) assert.equal(hardware.lease({ clientId }), '192.0.2.10');
  assert.equal(hardware.lease({}), '192.0.2.10');
});

test('clones: an identifier at two hardware addresses in turn is told apart from then on', () => {
  const bed = new Bed();
  const address = bed.lease({ mac: A, clientId: ID });
  assert.equal(bed.lease({ mac: B, clientId: ID }), address, 'a new interface of the same machine');
  bed.told.length = 0;
  const nak = bed.ask({ type: 'REQUEST', mac: A, clientId: ID, ciaddr: address });
  assert.equal(nak.type, 'NAK', 'the old one is still alive');
  assert.deepEqual(bed.told, ['clone']);
  const other = bed.lease({ mac: A, clientId: ID });
  assert.notEqual(other, address);
  assert.equal(bed.ask({ type: 'REQUEST', mac: B, clientId: ID, ciaddr: address }).type, 'ACK');
  assert.equal(bed.ask({ type: 'REQUEST', mac: A, clientId: ID, ciaddr: other }).type, 'ACK');
});

test('clones: with probing the second one never gets the address of the first', () => {
  const bed = new Bed(PROBING);
  bed.say({ mac: A, clientId: ID });
  const [offer] = bed.pass(300);
  bed.ask(taking(offer!, { mac: A, clientId: ID }));
  bed.say({ mac: B, clientId: ID });
  assert.deepEqual(bed.actions[0], { kind: 'arpProbe', ifindex: ETH0, address: ip('192.0.2.10') });
  assert.deepEqual(bed.probeAnswered('192.0.2.10', A), []);
  const [other] = bed.pass(300);
  assert.equal(other!.yiaddr, '192.0.2.11');
  assert.ok(bed.told.includes('clone'));
  assert.equal(bed.stateOf('192.0.2.10'), 'bound', 'it is the first one’s, and stays so');
});

test('clones are not looked for where an identifier is to be believed, or counts for nothing', () => {
  for (const [identity, isSame] of [
    ['ClientId', true],
    ['HardwareAddress', false],
  ] as const) {
    const bed = new Bed({ identity });
    const address = bed.lease({ mac: A, clientId: ID });
    for (const mac of [B, A, B, A]) {
      assert.equal(bed.lease({ mac, clientId: ID }) === address, isSame || mac === A, identity);
    }
    assert.ok(!bed.told.includes('clone'));
  }
});

test('a limit for circuits holds for each, and for nobody who comes without one', () => {
  const bed = new Bed({ limits: { perClient: 0, perCircuit: 10 } });
  const heard = (more: object): number =>
    Array.from({ length: 100 }, (_, i) => bed.say({ mac: `02:00:00:00:03:${hex(i)}`, ...more }))
      .map((replies) => replies.length)
      .reduce((sum, n) => sum + n);
  const full = 11;
  assert.ok(heard({}) >= full, 'as many as there are addresses');
  assert.equal(bed.dropped(), 'exhausted');
  heard({ relay: circuit('p1') });
  assert.equal(bed.dropped(), 'circuitRate');
  bed.say({ mac: A, relay: circuit('p2') });
  assert.notEqual(bed.dropped(), 'circuitRate');
});

test('a limit of leases for a circuit that is set later counts those that are held', () => {
  const bed = new Bed();
  bed.lease({ mac: A, relay: circuit('p1') });
  bed.lease({ mac: B, relay: circuit('p2') });
  bed.configure({ limits: { perClient: 0, leasesPerCircuit: 1 } });
  bed.say({ mac: C, relay: circuit('p1') });
  assert.equal(bed.dropped(), 'circuitFull');
  bed.configure({ limits: { perClient: 0, leasesPerCircuit: 2 } });
  assert.equal(bed.say({ mac: C, relay: circuit('p1') }).length, 1);
});

test('a client that asks too often is dropped, others are not', () => {
  const bed = new Bed({ limits: { perClient: 10 } });
  for (let i = 0; i < 10; i++) bed.say({ mac: A });
  bed.say({ mac: A });
  assert.equal(bed.dropped(), 'clientRate');
  assert.equal(bed.say({ mac: B }).length, 1);
  bed.pass(100);
  assert.equal(bed.say({ mac: A }).length, 1);
});

test('RFC 4390: clients without a hardware address are told apart by identifier when they ask too often', () => {
  const bed = new Bed({ limits: { perClient: 10 } });
  const ask = (n: number): void => {
    bed.say({ mac: '', htype: 32, clientId: Uint8Array.of(255, 0, n) });
  };
  for (let i = 0; i < 11; i++) ask(1);
  assert.equal(bed.dropped(), 'clientRate');
  ask(2);
  assert.equal(bed.dropped(), null);
});

test('RFC 4388: a relay may ask for many leases at once', () => {
  const leaseQuery = { from: [{ address: '192.0.2.3' }] };
  const bed = new Bed({ limits: { perClient: 10 }, leaseQuery });
  for (let i = 0; i < 100; i++) {
    const query = { type: 'LEASEQUERY', mac: '', giaddr: '192.0.2.3' } as const;
    assert.equal(bed.ask({ ...query, ciaddr: `192.0.2.${100 + i}` }).type, 'LEASEUNASSIGNED');
  }
});

test('a circuit and an interface that ask too often are dropped', () => {
  const bed = new Bed({ limits: { perClient: 0, perCircuit: 1, perInterface: 0 } });
  for (let i = 0; i < 64; i++) bed.say({ mac: `02:00:00:00:01:${hex(i)}`, relay: circuit('p1') });
  bed.say({ mac: A, relay: circuit('p1') });
  assert.equal(bed.dropped(), 'circuitRate');
  bed.say({ mac: A, relay: circuit('p2') });
  assert.notEqual(bed.dropped(), 'circuitRate');
  const other = new Bed({ limits: { perClient: 0, perInterface: 1 } });
  for (let i = 0; i < 65; i++) other.say({ mac: `02:00:00:00:01:${hex(i)}` });
  assert.equal(other.dropped(), 'interfaceRate');
});

test('a circuit holds no more addresses than it may, and again when one is free', () => {
  const bed = new Bed({ limits: { perClient: 0, leasesPerCircuit: 2 } });
  const at = (mac: string, port = 'p1'): Say => ({ mac, relay: circuit(port) });
  bed.lease(at(A));
  bed.lease(at(B));
  assert.deepEqual(bed.say(at(C)), []);
  assert.equal(bed.dropped(), 'circuitFull');
  assert.equal(bed.lease(at(A)), '192.0.2.10', 'who has one keeps it');
  assert.equal(bed.lease(at(C, 'p2')), '192.0.2.12');
  bed.say({ type: 'RELEASE', mac: A, ciaddr: '192.0.2.10', server: SERVER });
  assert.equal(bed.ask(at('02:00:00:00:00:0d')).type, 'OFFER');
});

test('a hardware address holds no more addresses than it may, whatever identifiers it makes up', () => {
  const bed = new Bed({ limits: { perClient: 0, leasesPerHardwareAddress: 2 } });
  bed.lease({ clientId: Uint8Array.of(0, 1) });
  bed.lease({ clientId: Uint8Array.of(0, 2) });
  assert.deepEqual(bed.say({ clientId: Uint8Array.of(0, 3) }), []);
  assert.equal(bed.dropped(), 'clientFull');
});

test('when answers pile up new clients wait first, then those with offers, and renewals go on', () => {
  const bed = new Bed({ subnets: [small('192.0.2.10', '192.0.2.60')] }, { held: 8 });
  const clients = Array.from({ length: 8 }, (_, i) => `02:00:00:00:02:${hex(i)}`);
  for (const mac of clients) bed.lease({ mac });
  const offer = bed.ask({ mac: A });
  bed.holdBack = true;
  const renew = (i: number) =>
    bed.say({ type: 'REQUEST', mac: clients[i]!, ciaddr: `192.0.2.${10 + i}` });
  for (let i = 0; i < 5; i++) renew(i);
  bed.say({ mac: B });
  assert.equal(bed.dropped(), 'overload');
  renew(5);
  renew(6);
  bed.say(taking(offer, { mac: A }));
  assert.equal(bed.dropped(), 'overload');
  bed.say({ type: 'REQUEST', mac: clients[7]!, requested: '192.0.2.17' });
  assert.equal(bed.dropped(), 'overload', 'after a reboot, too');
  renew(7);
  assert.equal(bed.dropped(), null);
  renew(0);
  assert.equal(bed.dropped(), 'overload');
  assert.equal(bed.becomeDurable().length, 8);
});

class Refusing extends Leases {
  refuses = false;
  override put(lease: Parameters<LeaseTable['put']>[0]): number {
    return this.refuses && lease.state === 'bound' ? 0 : super.put(lease);
  }
}

test('while leases cannot be written renewals are honoured for what is left, and nothing new is given', () => {
  const leases = new Refusing({ secret: { low: 1, high: 2 } });
  const bed = new Bed({}, { leases });
  bed.lease({ mac: A });
  const offer = bed.ask({ mac: B });
  bed.pass(600_000);
  leases.refuses = true;
  const ack = bed.ask({ type: 'REQUEST', mac: A, ciaddr: '192.0.2.10' });
  assert.equal(ack.type, 'ACK');
  assert.equal(ack.option(OPTION.leaseTime), '50m');
  assert.deepEqual(bed.say(taking(offer, { mac: B })), []);
  assert.equal(bed.dropped(), 'storeUnavailable');
  assert.deepEqual(bed.say({ mac: C }), []);
  assert.equal(bed.dropped(), 'storeUnavailable');
  leases.refuses = false;
  bed.pass(1001);
  assert.equal(bed.lease({ mac: C }), '192.0.2.12');
});

test('a lease that could not be written was never given: no ACK, and the address is free again', () => {
  class Failing extends Leases {
    /** As the store does when a write fails. */
    undo(address: string): void {
      this.forget(ip(address));
    }
  }
  const leases = new Failing({ secret: { low: 1, high: 2 } });
  const bed = new Bed({ subnets: [small('192.0.2.10', '192.0.2.10')] }, { leases });
  bed.holdBack = true;
  const offer = bed.ask({ mac: A });
  assert.deepEqual(bed.say(taking(offer, { mac: A })), []);
  leases.undo('192.0.2.10');
  bed.machine.core.failed(Number.MAX_SAFE_INTEGER, [ip('192.0.2.10')]);
  assert.deepEqual(bed.becomeDurable(), []);
  assert.equal(bed.ask({ mac: B }).yiaddr, '192.0.2.10');
});

test('a store that is known to refuse leads to no offers at all, until it takes leases again', () => {
  const bed = new Bed();
  bed.machine.core.writable = false;
  assert.deepEqual(bed.say({ mac: A }), []);
  assert.equal(bed.dropped(), 'storeUnavailable');
  bed.machine.core.writable = true;
  assert.equal(bed.lease({ mac: A }), '192.0.2.10');
});

const BOOT: Partial<DhcpServerSpec> = {
  boot: [
    { userClass: 'iPXE', httpUrl: 'http://192.0.2.69/boot.ipxe' },
    { architectures: ['x64-uefi-http', 'arm64-uefi-http'], httpUrl: 'http://192.0.2.69/boot.efi' },
    { architectures: ['x86-uefi'], nextServer: '192.0.2.69', file: 'ipxe.efi', serverName: 'boot' },
    { architectures: ['x86-bios'], file: 'undionly.kpxe' },
  ],
};
const arch = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 255);
const text = (data: Uint8Array): string => Buffer.from(data).toString();

// [who boots, its options 60, 93 and 77, option 67, option 60 of the answer, siaddr]
for (const [name, options, file, vendorClass, siaddr] of [
  [
    'BIOS by PXE',
    { 60: 'PXEClient:Arch:00000', 93: arch(0) },
    '"undionly.kpxe"',
    '"PXEClient"',
    SERVER,
  ],
  [
    'UEFI by PXE',
    { 60: 'PXEClient:Arch:00007', 93: arch(7) },
    '"ipxe.efi"',
    '"PXEClient"',
    '192.0.2.69',
  ],
  [
    'UEFI that says 9',
    { 60: 'PXEClient:Arch:00009', 93: arch(9) },
    '"ipxe.efi"',
    '"PXEClient"',
    '192.0.2.69',
  ],
  [
    'UEFI by HTTP',
    { 60: 'HTTPClient:Arch:00016', 93: arch(16) },
    '"http://192.0.2.69/boot.efi"',
    '"HTTPClient"',
    '0.0.0.0',
  ],
  [
    'iPXE, bare user class',
    { 60: 'PXEClient', 93: arch(7), 77: 'iPXE' },
    '"http://192.0.2.69/boot.ipxe"',
    '"PXEClient"',
    '0.0.0.0',
  ],
  [
    'iPXE, user class of RFC 3004',
    { 93: arch(0), 77: '\x04iPXE' },
    '"http://192.0.2.69/boot.ipxe"',
    null,
    '0.0.0.0',
  ],
  [
    'an architecture that is not in the table',
    { 60: 'PXEClient', 93: arch(11) },
    null,
    null,
    '0.0.0.0',
  ],
  ['who does not boot', {}, null, null, '0.0.0.0'],
] as const) {
  test(`S10 boot: ${name}`, () => {
    const bed = new Bed(BOOT);
    const sent = Object.entries(options).map(([code, value]) => [
      code,
      Buffer.from(value as never),
    ]);
    const offer = bed.ask({ options: Object.fromEntries(sent), ask: [1, 3, 67] });
    assert.equal(offer.option(67), file);
    assert.equal(offer.option(60), vendorClass);
    assert.equal(offer.message.siaddr, ip(siaddr));
    if (file !== null) assert.equal(`"${text(offer.message.file)}"`, file);
  });
}

test('S10 boot: the machine identifier comes back, and a PXE client is told to boot the file', () => {
  const guid = Buffer.concat([Buffer.of(0), Buffer.alloc(16, 7)]);
  const options = { 60: Buffer.from('PXEClient'), 93: arch(7), 97: guid };
  const offer = new Bed(BOOT).ask({ options });
  const data = (code: number) => offer.message.options.find((option) => option.code === code)?.data;
  assert.deepEqual(Buffer.from(data(97)!), guid);
  assert.deepEqual(Buffer.from(data(43)!), Buffer.of(6, 1, 8, 255));
  assert.equal(text(offer.message.sname), 'boot');
});

test('S10 boot: a reservation comes first, as far as it fits; an empty table ends the search', () => {
  const reservations = [
    { hardwareAddress: A, boot: [{ architectures: ['x86-bios'], file: 'rescue' }] },
    { hardwareAddress: B, boot: [] },
  ];
  const bed = new Bed({ ...BOOT, subnets: [{ ...SUBNET, reservations }] });
  const boots = (mac: string, n: number) =>
    bed.ask({ mac, options: { 60: Buffer.from('PXEClient'), 93: arch(n) } }).option(67);
  assert.equal(boots(A, 0), '"rescue"');
  assert.equal(boots(A, 7), '"ipxe.efi"');
  assert.equal(boots(B, 7), null);
});

test('a proxy tells what to boot and gives no address; on port 4011 too', () => {
  const bed = new Bed({ ...BOOT, proxyDhcp: true });
  const options = { 60: Buffer.from('PXEClient:Arch:00007'), 93: arch(7) };
  const offer = bed.ask({ options, ask: [1, 3, 6, 60, 67] });
  assert.equal(offer.type, 'OFFER');
  assert.equal(offer.yiaddr, '0.0.0.0');
  assert.deepEqual(
    offer.message.options.map(({ code }) => code),
    [53, 54, 60, 67, 66, 43],
  );
  const ports = { sourcePort: 68, destinationPort: 4011 };
  const ack = bed.ask({ type: 'REQUEST', options, ciaddr: '192.0.2.40', ...ports });
  assert.equal(ack.type, 'ACK');
  assert.equal(ack.to, 'eth0 02:00:00:00:00:01 192.0.2.40:68');
  assert.equal(ack.from, `${SERVER}:4011`);
  assert.equal(ack.option(OPTION.leaseTime), null);
  assert.deepEqual(bed.say({}), []);
  assert.equal(bed.dropped(), 'nothingToBoot');
  assert.deepEqual(
    bed.say({ type: 'REQUEST', requested: '192.0.2.9', server: SERVER, options }),
    [],
  );
  assert.equal(bed.dropped(), 'notSelected');
});

test('who is no proxy leaves port 4011 alone: a lease is not renewed there', () => {
  const bed = new Bed(BOOT);
  const options = { 60: Buffer.from('PXEClient:Arch:00007'), 93: arch(7) };
  const address = bed.lease({ options });
  const ports = { sourcePort: 68, destinationPort: 4011 };
  assert.deepEqual(bed.say({ type: 'REQUEST', options, ciaddr: address, ...ports }), []);
  assert.equal(bed.dropped(), 'noProxy');
});

test('who boots the same by PXE, by HTTP and otherwise is told its own kind of vendor class each', () => {
  const bed = new Bed({ boot: [{ userClass: 'iPXE', httpUrl: 'http://192.0.2.69/boot.ipxe' }] });
  const told = (vendorClass: string): string | null =>
    bed
      .ask({ options: { 60: Buffer.from(vendorClass), 77: Buffer.from('iPXE') } })
      .option(OPTION.vendorClass);
  for (let round = 0; round < 2; round++) {
    assert.equal(told('PXEClient:Arch:00007'), '"PXEClient"');
    assert.equal(told('HTTPClient:Arch:00016'), '"HTTPClient"');
    assert.equal(told('toaster'), null);
  }
});

test('BOOTP is refused unless asked for, then for reserved clients, or for all and for ever', () => {
  const say = { type: 'BOOTP', mac: A } as const;
  const bed = new Bed();
  assert.deepEqual(bed.say(say), []);
  assert.equal(bed.dropped(), 'bootpRefused');
  const reservations = [{ address: '192.0.2.5', hardwareAddress: A }];
  const reserved = new Bed({ bootp: 'Reserved', subnets: [{ ...SUBNET, reservations }] });
  assert.equal(reserved.ask(say).yiaddr, '192.0.2.5');
  assert.deepEqual(reserved.say({ ...say, mac: B }), []);
  assert.equal(reserved.dropped(), 'bootpUnknown');
  const dynamic = new Bed({ bootp: 'Dynamic' });
  const reply = dynamic.ask(say);
  assert.equal(reply.yiaddr, '192.0.2.10');
  assert.equal(reply.option(OPTION.messageType), null);
  assert.equal(reply.option(OPTION.leaseTime), null);
  assert.equal(reply.bytes.length, 300);
  assert.equal(dynamic.leases.expiresOf(ip('192.0.2.10')), Number.POSITIVE_INFINITY);
  assert.equal(dynamic.leases.get(ip('192.0.2.10'))?.bootp, true);
  assert.equal(dynamic.ask(say).yiaddr, '192.0.2.10');
});

test('RFC 2132 §9.3: no options in file and sname for BOOTP clients, who would boot them', () => {
  const bed = new Bed({
    bootp: 'Dynamic',
    options: { domainName: 'x'.repeat(50), rootPath: 'y'.repeat(50) },
  });
  const { message, bytes } = bed.ask({ type: 'BOOTP' });
  assert.equal(bytes.length, 300);
  assert.equal(message.options.filter(({ code }) => code === OPTION.overload).length, 0);
  assert.deepEqual([...bytes.subarray(44, 236)], [...new Uint8Array(192)]);
});

test('a BOOTP client without a vendor area gets none', () => {
  const bed = new Bed({ bootp: 'Dynamic' });
  const reply = bed.ask({ type: 'BOOTP', cookie: false });
  assert.equal(reply.message.hasCookie, false);
  assert.equal(reply.yiaddr, '192.0.2.10');
});

test('explain tells each step and changes nothing', () => {
  const bed = new Bed({ ...CLASSES, authoritative: true });
  const say: Say = { mac: A, ...PHONE, ask: [1, 3] };
  const told = bed.explain(say);
  assert.deepEqual(told, [
    'identity: the hardware address',
    'subnet: 192.0.2.0/24, by interface eth0',
    'classes: phones',
    'reservation: none for this client',
    'address: 192.0.2.100: the next that nobody has had',
    'probe: none: conflict detection is off',
    'lease time: 600 s, by class phones',
  ]);
  assert.deepEqual(bed.explain(say), told);
  assert.equal(bed.leases.size, 0);
  assert.equal(bed.ask(say).yiaddr, '192.0.2.100');
  assert.ok(bed.explain(say).includes('address: 192.0.2.100: offered to the client before'));
});

test('explain names the reason for no answer', () => {
  const bed = new Bed(CLASSES);
  const refused = bed.explain({ options: { 12: Buffer.from('evil') } });
  assert.ok(refused.includes('refused: class banned gets no answer'));
  assert.match(refused.at(-1)!, /^no answer: refusedByClass: /);
  assert.match(bed.explain({ giaddr: '10.9.9.9' }).at(-1)!, /^no answer: noSubnet: /);
});

test('a request for a subnet that is not configured is dropped', () => {
  const bed = new Bed();
  bed.say({ giaddr: '10.9.9.9' });
  assert.equal(bed.dropped(), 'noSubnet');
});
