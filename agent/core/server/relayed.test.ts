// Requests through relays: RFC 3046 and what builds on it. R and S numbers are those of the checklist of the field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPTION } from '../../../codec/v4/options.ts';
import {
  encodeRelayInformation,
  SUB_OPTION,
  type SubOptionName,
} from '../../../codec/v4/relayinfo.ts';
import { Bed, ip, type Say, SERVER, SUBNET, taking } from './testbed.ts';

const A = '02:00:00:00:00:0a';

const LAN = {
  cidr: '203.0.113.0/24',
  pools: [{ start: '203.0.113.100', end: '203.0.113.110' }],
};
const OTHER = {
  cidr: '198.51.100.0/24',
  pools: [{ start: '198.51.100.100', end: '198.51.100.110' }],
};
const SPEC = { subnets: [SUBNET, LAN, OTHER] };
const VIA: Say = { giaddr: '203.0.113.1', mac: A };

/** Option 82 of texts, addresses and octets. */
function relay(subOptions: { [name in SubOptionName]?: string | Uint8Array }): Uint8Array {
  return encodeRelayInformation(
    Object.entries(subOptions).map(([name, value]) => ({
      code: SUB_OPTION[name as SubOptionName],
      data: typeof value === 'string' ? Buffer.from(value) : value,
    })),
  );
}

const address = (text: string): Uint8Array => {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, ip(text));
  return octets;
};

test('R6 option 82 is echoed verbatim and last, in OFFER, ACK, NAK and the ACK to an INFORM', () => {
  const bed = new Bed(SPEC);
  const info = relay({ circuitId: 'port-7', remoteId: Uint8Array.of(1, 2, 3) });
  const say = { ...VIA, relay: info, clientId: Uint8Array.of(0, 1, 2) };
  const offer = bed.ask(say);
  const replies = [
    offer,
    bed.ask(taking(offer, say)),
    bed.ask({ ...say, type: 'REQUEST', requested: '192.0.2.9' }),
    bed.ask({ ...say, type: 'INFORM', ciaddr: '203.0.113.9' }),
  ];
  assert.deepEqual(
    replies.map(({ type }) => type),
    ['OFFER', 'ACK', 'NAK', 'ACK'],
  );
  for (const { message } of replies) {
    const last = message.options.at(-1)!;
    assert.equal(last.code, OPTION.relayInformation);
    assert.deepEqual(Buffer.from(last.data), Buffer.from(info));
  }
});

test('R6 option 82 that does not fit is left out whole, and counted', () => {
  const bed = new Bed(SPEC);
  const info = relay({ circuitId: 'c'.repeat(200), remoteId: 'r'.repeat(250) });
  const offer = bed.ask({ ...VIA, relay: info });
  assert.equal(offer.option(OPTION.relayInformation), null);
  assert.ok(bed.told.includes('information omitted'));
  const roomy = bed.ask({ ...VIA, relay: info, maxSize: 1500 });
  assert.notEqual(roomy.option(OPTION.relayInformation), null);
});

test('R6 option 82 from a switch that sets no giaddr is echoed too', () => {
  const bed = new Bed(SPEC);
  assert.notEqual(
    bed.ask({ relay: relay({ circuitId: 'p1' }) }).option(OPTION.relayInformation),
    null,
  );
});

test('R7 a circuit-id counts within its relay and exactly', () => {
  const reservations = [{ address: '203.0.113.50', circuitId: { text: 'port-7' } }];
  const bed = new Bed({ subnets: [SUBNET, { ...LAN, reservations }, OTHER] });
  assert.equal(bed.ask({ ...VIA, relay: relay({ circuitId: 'port-7' }) }).yiaddr, '203.0.113.50');
  assert.equal(
    bed.ask({ ...VIA, mac: '02:00:00:00:00:0b', relay: relay({ circuitId: 'port-77' }) }).yiaddr,
    '203.0.113.100',
  );
  const elsewhere = {
    giaddr: '198.51.100.1',
    mac: '02:00:00:00:00:0c',
    relay: relay({ circuitId: 'port-7' }),
  };
  assert.equal(bed.ask(elsewhere).yiaddr, '198.51.100.100');
});

test('the option 82 of a lease is remembered for renewals that go past the relay', () => {
  const reservations = [{ address: '203.0.113.50', circuitId: { text: 'port-7' } }];
  const classes = [
    { name: 'seven', match: 'packet.circuitId == "port-7"', options: { domainName: 'seven' } },
  ];
  const bed = new Bed({ classes, subnets: [SUBNET, { ...LAN, reservations }] });
  bed.lease({ ...VIA, relay: relay({ circuitId: 'port-7' }) });
  for (let renewals = 0; renewals < 3; renewals++) {
    bed.pass(1_000_000);
    const ack = bed.ask({ type: 'REQUEST', ciaddr: '203.0.113.50', mac: A, ask: [15] });
    assert.equal(ack.type, 'ACK');
    assert.equal(ack.option(15), '"seven"');
    assert.equal(ack.option(OPTION.relayInformation), null, 'what did not come is not echoed');
  }
  const lease = bed.leases.get(ip('203.0.113.50'))!;
  assert.equal(lease.giaddr, ip('203.0.113.1'));
  assert.deepEqual(
    Buffer.from(lease.relayInformation!),
    Buffer.from(relay({ circuitId: 'port-7' })),
  );
});

// R9 and S5: [what says where the client is, the subnet that it gets an address of]
for (const [name, say, yiaddr] of [
  ['giaddr', {}, '203.0.113.100'],
  [
    'option 118 before giaddr',
    { options: { [OPTION.subnetSelection]: address('198.51.100.0') } },
    '198.51.100.100',
  ],
  [
    'sub-option 5 before giaddr',
    { relay: relay({ linkSelection: address('198.51.100.1') }) },
    '198.51.100.100',
  ],
  [
    'sub-option 5 before option 118',
    {
      relay: relay({ linkSelection: address('198.51.100.1') }),
      options: { [OPTION.subnetSelection]: address('192.0.2.0') },
    },
    '198.51.100.100',
  ],
] as const) {
  test(`R9 the subnet is selected by ${name}, the answer goes to giaddr`, () => {
    const bed = new Bed(SPEC);
    const offer = bed.ask({ ...VIA, ...say });
    assert.equal(offer.yiaddr, yiaddr);
    assert.equal(offer.to, '203.0.113.1:67');
  });
}

test('R9 a link that is in no subnet gets no answer, even if giaddr is', () => {
  const bed = new Bed(SPEC);
  assert.deepEqual(bed.say({ ...VIA, relay: relay({ linkSelection: address('10.9.9.9') }) }), []);
  assert.equal(bed.dropped(), 'noSubnet');
});

test('S5 option 118 that decided is echoed, and one from a client on our own link ignored', () => {
  const bed = new Bed(SPEC);
  const options = { [OPTION.subnetSelection]: address('198.51.100.0') };
  assert.equal(bed.ask({ ...VIA, options }).option(OPTION.subnetSelection), '198.51.100.0');
  const direct = bed.ask({ options });
  assert.equal(direct.yiaddr, '192.0.2.10');
  assert.equal(direct.option(OPTION.subnetSelection), null);
});

test('R10 server identifier override: it is option 54, and accepted as ours when the relay sends it', () => {
  const bed = new Bed(SPEC);
  const say = {
    ...VIA,
    relay: relay({ serverIdOverride: address('203.0.113.1'), flags: Uint8Array.of(0x80) }),
  };
  const offer = bed.ask(say);
  assert.equal(offer.option(OPTION.serverIdentifier), '203.0.113.1');
  const ack = bed.ask(taking(offer, say));
  assert.equal(ack.type, 'ACK');
  const renewal = bed.ask({ ...say, type: 'REQUEST', ciaddr: ack.yiaddr });
  assert.equal(renewal.option(OPTION.serverIdentifier), '203.0.113.1');
  assert.equal(renewal.to, '203.0.113.1:67');
  bed.say({ ...taking(offer, { mac: A }), giaddr: '203.0.113.1', server: '203.0.113.1' });
  assert.equal(bed.dropped(), 'otherServer', 'without the override it is another server');
});

const vrf = (name: string): Uint8Array => Buffer.concat([Buffer.of(0), Buffer.from(name)]);

test('R11 a virtual subnet selects, and a server that understood it takes sub-option 152 out', () => {
  const red = { ...LAN, selectors: [{ vrf: 'red' }] };
  const bed = new Bed({ subnets: [SUBNET, red, OTHER] });
  const info = { virtualSubnet: vrf('red'), virtualSubnetControl: new Uint8Array() };
  const offer = bed.ask({ giaddr: '10.0.0.9', relay: relay(info) });
  assert.equal(offer.yiaddr, '203.0.113.100');
  const echo = offer.message.options.at(-1)!.data;
  assert.deepEqual(Buffer.from(echo), Buffer.from(relay({ virtualSubnet: vrf('red') })));
});

test('R11 a server that has no such virtual subnet echoes 152, by which the relay knows', () => {
  const bed = new Bed(SPEC);
  const info = relay({ virtualSubnet: vrf('red'), virtualSubnetControl: new Uint8Array() });
  const offer = bed.ask({ ...VIA, relay: info });
  assert.deepEqual(Buffer.from(offer.message.options.at(-1)!.data), Buffer.from(info));
});

test('R12 relay-id and subscriber-id are there for classes', () => {
  const classes = [
    {
      name: 'gold',
      match: 'packet.subscriberId == "gold" && packet.relayId == "00:03:09"',
      options: { domainName: 'gold' },
    },
  ];
  const bed = new Bed({ ...SPEC, classes });
  const info = relay({ subscriberId: 'gold', relayId: Uint8Array.of(0, 3, 9) });
  assert.equal(bed.ask({ ...VIA, relay: info, ask: [15] }).option(15), '"gold"');
});

test('R13 with sub-option 19 the answer goes to the port that the relay used', () => {
  const bed = new Bed(SPEC);
  const info = relay({ sourcePort: new Uint8Array() });
  assert.equal(bed.ask({ ...VIA, relay: info, sourcePort: 5000 }).to, '203.0.113.1:5000');
  assert.equal(bed.ask({ ...VIA, sourcePort: 5000 }).to, '203.0.113.1:67');
});

test('only relays on the list may ask', () => {
  const bed = new Bed({
    ...SPEC,
    allowedRelays: [{ cidr: '203.0.113.0/28' }, { address: '198.51.100.1' }],
  });
  assert.equal(bed.say({ ...VIA }).length, 1);
  assert.equal(bed.say({ giaddr: '198.51.100.1', mac: '02:00:00:00:00:0b' }).length, 1);
  assert.deepEqual(bed.say({ giaddr: '203.0.113.99' }), []);
  assert.equal(bed.dropped(), 'relayNotAllowed');
  assert.equal(
    bed.say({ mac: '02:00:00:00:00:0c' }).length,
    1,
    'a client on our own link is no relay',
  );
});

test('replies to a relay come from the address that it asked at', () => {
  const bed = new Bed(SPEC);
  const offer = bed.ask({ ...VIA, to: '198.51.100.1' });
  assert.equal(offer.from, '198.51.100.1:67');
  assert.equal(offer.option(OPTION.serverIdentifier), '198.51.100.1');
});

test('a reservation outside the pools works at the first lease and at each renewal', () => {
  const reservations = [{ address: '203.0.113.9', hardwareAddress: A }];
  const bed = new Bed({ subnets: [SUBNET, { ...LAN, reservations }] });
  assert.equal(bed.lease(VIA), '203.0.113.9');
  assert.equal(bed.ask({ type: 'REQUEST', ciaddr: '203.0.113.9', mac: A }).type, 'ACK');
  assert.equal(bed.ask({ ...VIA, type: 'REQUEST', requested: '203.0.113.9' }).type, 'ACK');
});

// Selectors: [the request, the address or null]
const SELECTORS = {
  subnets: [
    { ...LAN, selectors: [{ giaddr: '10.0.0.1', circuitId: { text: 'red' } }] },
    {
      ...OTHER,
      selectors: [{ giaddr: '10.0.0.1', remoteId: { hex: '0a0b' } }, { giaddr: '10.0.0.2' }],
    },
    SUBNET,
  ],
};
for (const [name, say, yiaddr] of [
  [
    'all of a selector',
    { giaddr: '10.0.0.1', relay: relay({ circuitId: 'red' }) },
    '203.0.113.100',
  ],
  [
    'another selector',
    { giaddr: '10.0.0.1', relay: relay({ remoteId: Uint8Array.of(10, 11) }) },
    '198.51.100.100',
  ],
  ['one of several', { giaddr: '10.0.0.2' }, '198.51.100.100'],
  ['none', { giaddr: '10.0.0.1', relay: relay({ circuitId: 'blue' }) }, null],
  ['none, but giaddr is in a subnet', { giaddr: '203.0.113.1' }, '203.0.113.100'],
] as const) {
  test(`a subnet is selected by its selectors: ${name}`, () => {
    const [offer] = new Bed(SELECTORS).say(say);
    assert.equal(offer?.yiaddr ?? null, yiaddr);
  });
}

const QUERY = {
  type: 'LEASEQUERY',
  giaddr: '203.0.113.1',
  mac: '',
  ask: [51, 61, 82, 91, 92, 60],
} as const;

test('S7 leasequery: UNKNOWN, UNASSIGNED and ACTIVE, by address', () => {
  const bed = new Bed({ ...SPEC, leaseQuery: { from: [{ address: '203.0.113.1' }] } });
  const info = relay({ circuitId: 'port-7' });
  bed.lease({ ...VIA, relay: info, clientId: Uint8Array.of(0, 7, 7) });
  bed.pass(600_000);
  const active = bed.ask({ ...QUERY, ciaddr: '203.0.113.100' });
  assert.equal(active.type, 'LEASEACTIVE');
  assert.equal(active.to, '203.0.113.1:67');
  assert.deepEqual([...active.message.chaddr], [2, 0, 0, 0, 0, 10]);
  assert.equal(active.message.ciaddr, ip('203.0.113.100'));
  assert.equal(active.option(51), '50m');
  assert.equal(active.option(91), '10m');
  assert.deepEqual(Buffer.from(active.message.options.at(-1)!.data), Buffer.from(info));
  assert.equal(bed.ask({ ...QUERY, ciaddr: '203.0.113.101' }).type, 'LEASEUNASSIGNED');
  assert.equal(bed.ask({ ...QUERY, ciaddr: '10.9.9.9' }).type, 'LEASEUNKNOWN');
});

test('S7 leasequery without a list of options gets all that is known of the lease', () => {
  const leaseQuery = { from: [{ address: '203.0.113.1' }] };
  const bed = new Bed({ ...SPEC, leaseQuery, renewalPercent: 40, rebindingPercent: 80 });
  bed.lease({ ...VIA, relay: relay({ circuitId: 'port-7' }), clientId: Uint8Array.of(0, 7, 7) });
  bed.pass(600_000);
  const { ask: _, ...bare } = QUERY;
  const active = bed.ask({ ...bare, ciaddr: '203.0.113.100' });
  assert.deepEqual(
    active.message.options.map(({ code }) => code),
    [53, 54, 51, 58, 59, 61, 91, 82],
  );
  const times = [51, 58, 59, 91].map((code) => active.option(code));
  assert.deepEqual(times, ['50m', '14m', '38m', '10m']);
});

test('S7 leasequery by hardware address and by client identifier, with the other addresses of the client', () => {
  const bed = new Bed({ ...SPEC, leaseQuery: { from: [{ cidr: '203.0.113.0/24' }] } });
  const clientId = Uint8Array.of(0, 7, 7);
  bed.lease({ ...VIA, clientId });
  bed.pass(1000);
  bed.lease({ mac: A, clientId });
  const byHardware = bed.ask({ ...QUERY, mac: A });
  assert.equal(byHardware.type, 'LEASEACTIVE');
  assert.equal(byHardware.message.ciaddr, ip('192.0.2.10'), 'the one heard of last');
  assert.equal(byHardware.option(92), '203.0.113.100');
  assert.equal(bed.ask({ ...QUERY, clientId }).message.ciaddr, ip('192.0.2.10'));
  assert.equal(bed.ask({ ...QUERY, mac: '02:00:00:00:00:99' }).type, 'LEASEUNKNOWN');
});

test('S7 leasequery: what is left until the client renews and rebinds is as it was told, and 0 when that is past', () => {
  const bed = new Bed({
    ...SPEC,
    renewalPercent: 25,
    rebindingPercent: 75,
    leaseQuery: { from: [{ address: '203.0.113.1' }] },
  });
  bed.lease(VIA);
  const left = (): (string | null)[] => {
    const answer = bed.ask({ ...QUERY, ask: [51, 58, 59], ciaddr: '203.0.113.100' });
    return [answer.option(51), answer.option(58), answer.option(59)];
  };
  bed.pass(300_000);
  assert.deepEqual(left(), ['55m', '10m', '40m']);
  bed.pass(1_500_000);
  assert.deepEqual(left(), ['30m', '0s', '15m']);
});

// [what is wrong, the query, why it is dropped]
for (const [name, say, reason] of [
  [
    'from a giaddr that may not ask',
    { giaddr: '198.51.100.1', ciaddr: '203.0.113.100' },
    'queryNotAllowed',
  ],
  ['without giaddr', { giaddr: '0.0.0.0', ciaddr: '203.0.113.100', to: SERVER }, 'queryMalformed'],
  ['by nothing', {}, 'queryMalformed'],
  ['by two things', { ciaddr: '203.0.113.100', mac: A }, 'queryMalformed'],
] as const) {
  test(`S7 leasequery ${name} is dropped`, () => {
    const bed = new Bed({ ...SPEC, leaseQuery: { from: [{ address: '203.0.113.1' }] } });
    assert.deepEqual(bed.say({ ...QUERY, ...say }), []);
    assert.equal(bed.dropped(), reason);
  });
}
