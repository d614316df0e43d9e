import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseIpv4 } from '../ipv4.ts';
import {
  type Address,
  decodeRouteMessages,
  encodeAddressDump,
  encodeLinkDump,
  type Link,
  type RouteMessage,
} from './rtnetlink.ts';

// Messages are built here in little-endian, the order of the machines this is tested on.
function u16(value: number): number[] {
  return [value & 255, value >>> 8];
}

function u32(value: number): number[] {
  return [...u16(value & 0xffff), ...u16(value >>> 16)];
}

function attribute(type: number, data: readonly number[]): number[] {
  const padding = Array((4 - (data.length % 4)) % 4).fill(0);
  return [...u16(4 + data.length), ...u16(type), ...data, ...padding];
}

function text(value: string): number[] {
  return [...Buffer.from(`${value}\0`)];
}

function message(type: number, payload: readonly number[], flags = 0, sequence = 0): number[] {
  return [
    ...u32(16 + payload.length),
    ...u16(type),
    ...u16(flags),
    ...u32(sequence),
    ...u32(0),
    ...payload,
  ];
}

interface LinkHeader {
  readonly family?: number;
  readonly hardwareType?: number;
  readonly index: number;
  readonly flags?: number;
}

function ifinfo({ family = 0, hardwareType = 1, index, flags = 0 }: LinkHeader): number[] {
  return [family, 0, ...u16(hardwareType), ...u32(index), ...u32(flags), ...u32(0)];
}

function ifaddr(prefixLength: number, flags: number, scope: number, ifindex: number): number[] {
  return [2, prefixLength, flags, scope, ...u32(ifindex)];
}

function decodeOne(bytes: readonly number[]): RouteMessage {
  const messages = decodeRouteMessages(Uint8Array.from(bytes));
  assert.equal(messages.length, 1);
  return messages[0]!;
}

const [NEWLINK, DELLINK, NEWADDR, DELADDR] = [16, 17, 20, 21];
const EVENT = { sequence: 0, interrupted: false };
const PLAIN: Link = {
  index: 7,
  name: 'eth0',
  up: false,
  running: false,
  broadcast: false,
  loopback: false,
  pointToPoint: false,
  hardwareType: 1,
  hardwareAddress: new Uint8Array(),
  mtu: 0,
  master: null,
  kind: '',
  vlanId: null,
  vrfTable: null,
  parentIndex: null,
  parentNamespace: null,
};

const NAMED = attribute(3, text('eth0'));

const LINKS: readonly (readonly [string, readonly number[], Partial<Link>])[] = [
  ['a name alone', NAMED, {}],
  [
    'hardware address and MTU',
    [...NAMED, ...attribute(1, [2, 0, 0, 0, 0, 1]), ...attribute(4, u32(1400))],
    { hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, 1), mtu: 1400 },
  ],
  ['a port of a bridge', [...NAMED, ...attribute(10, u32(3))], { master: 3 }],
  [
    'a veth with its peer in another namespace',
    [
      ...NAMED,
      ...attribute(5, u32(2)),
      ...attribute(37, u32(0)),
      ...attribute(18, attribute(1, text('veth'))),
    ],
    { kind: 'veth', parentIndex: 2, parentNamespace: 0 },
  ],
  [
    'a VLAN: identifier and the interface below',
    [
      ...NAMED,
      ...attribute(5, u32(2)),
      ...attribute(18 | 0x8000, [
        ...attribute(1, text('vlan')),
        ...attribute(2, attribute(1, u16(42))),
      ]),
    ],
    { kind: 'vlan', vlanId: 42, parentIndex: 2 },
  ],
  [
    'a VRF: its routing table',
    [
      ...NAMED,
      ...attribute(18, [...attribute(1, text('vrf')), ...attribute(2, attribute(1, u32(100)))]),
    ],
    { kind: 'vrf', vrfTable: 100 },
  ],
  [
    'the data of another kind is not mistaken for a VLAN or VRF',
    [
      ...NAMED,
      ...attribute(18, [...attribute(1, text('vxlan')), ...attribute(2, attribute(1, u32(9)))]),
    ],
    { kind: 'vxlan' },
  ],
  [
    'an attribute too short to hold its number reads as absent',
    [...NAMED, ...attribute(4, [1])],
    {},
  ],
  [
    'what follows an attribute of length 0 is not looked at',
    [...NAMED, 0, 0, 1, 0, ...attribute(10, u32(3))],
    {},
  ],
];

for (const [name, attributes, expected] of LINKS) {
  test(`link: ${name}`, () => {
    const decoded = decodeOne(message(NEWLINK, [...ifinfo({ index: 7 }), ...attributes]));
    assert.deepEqual(decoded, { type: 'link', ...EVENT, link: { ...PLAIN, ...expected } });
  });
}

test('link: each flag is its own', () => {
  const flags = { up: 0x1, broadcast: 0x2, loopback: 0x8, pointToPoint: 0x10, running: 0x40 };
  for (const [name, bit] of Object.entries(flags)) {
    const decoded = decodeOne(message(NEWLINK, [...ifinfo({ index: 7, flags: bit }), ...NAMED]));
    assert.deepEqual(decoded, { type: 'link', ...EVENT, link: { ...PLAIN, [name]: true } });
  }
});

test('a link that goes', () => {
  const decoded = decodeOne(message(DELLINK, ifinfo({ index: 7 })));
  assert.deepEqual(decoded, { type: 'linkGone', ...EVENT, index: 7 });
});

test('a port that leaves its bridge (family AF_BRIDGE) is not a link that goes', () => {
  const bytes = message(DELLINK, ifinfo({ family: 7, index: 7 }));
  assert.deepEqual(decodeRouteMessages(Uint8Array.from(bytes)), []);
});

const SERVER = parseIpv4('192.0.2.1')!;
const OCTETS = [192, 0, 2, 1];
const ADDRESS: Address = {
  ifindex: 7,
  local: SERVER,
  address: SERVER,
  prefixLength: 24,
  broadcast: null,
  label: '',
  secondary: false,
  permanent: false,
  scope: 0,
};

const ADDRESSES: readonly (readonly [
  string,
  readonly number[],
  readonly number[],
  Partial<Address>,
])[] = [
  [
    'local and broadcast',
    ifaddr(24, 0, 0, 7),
    [...attribute(2, OCTETS), ...attribute(4, [192, 0, 2, 255])],
    { broadcast: parseIpv4('192.0.2.255')! },
  ],
  ['without IFA_LOCAL', ifaddr(24, 0, 0, 7), attribute(1, OCTETS), {}],
  [
    'point to point: the peer is IFA_ADDRESS',
    ifaddr(32, 0, 0, 7),
    [...attribute(1, [192, 0, 2, 9]), ...attribute(2, OCTETS)],
    { prefixLength: 32, address: parseIpv4('192.0.2.9')! },
  ],
  [
    'secondary and permanent in the header',
    ifaddr(24, 0x81, 0, 7),
    attribute(2, OCTETS),
    { secondary: true, permanent: true },
  ],
  [
    'IFA_FLAGS overrules the header',
    ifaddr(24, 0x81, 0, 7),
    [...attribute(2, OCTETS), ...attribute(8, u32(0x200))],
    {},
  ],
  [
    'label and scope',
    ifaddr(24, 0, 253, 7),
    [...attribute(2, OCTETS), ...attribute(3, text('eth0:1'))],
    { label: 'eth0:1', scope: 253 },
  ],
  [
    'a prefix longer than an address',
    ifaddr(99, 0, 0, 7),
    attribute(2, OCTETS),
    { prefixLength: 32 },
  ],
];

for (const [name, header, attributes, expected] of ADDRESSES) {
  test(`address: ${name}`, () => {
    const address = { ...ADDRESS, ...expected };
    const bytes = [...header, ...attributes];
    assert.deepEqual(decodeOne(message(NEWADDR, bytes)), { type: 'address', ...EVENT, address });
    assert.deepEqual(decodeOne(message(DELADDR, bytes)), {
      type: 'addressGone',
      ...EVENT,
      address,
    });
  });
}

test('addresses of IPv6 are left out', () => {
  const header = [10, 64, 0, 0, ...u32(7)];
  assert.deepEqual(decodeRouteMessages(Uint8Array.from(message(NEWADDR, header))), []);
});

const CONTROLS: readonly (readonly [string, readonly number[], RouteMessage[]])[] = [
  [
    'the end of a dump',
    message(3, u32(0), 2, 5),
    [{ type: 'done', sequence: 5, interrupted: false }],
  ],
  [
    'an end without a payload',
    message(3, [], 2, 5),
    [{ type: 'done', sequence: 5, interrupted: false }],
  ],
  [
    'a dump that changed meanwhile',
    message(3, u32(0), 0x12, 5),
    [{ type: 'done', sequence: 5, interrupted: true }],
  ],
  [
    'a dump that failed',
    message(3, u32(-12), 2, 5),
    [{ type: 'error', sequence: 5, interrupted: false, errno: 12 }],
  ],
  [
    'a request refused',
    message(2, u32(-16), 0, 5),
    [{ type: 'error', sequence: 5, interrupted: false, errno: 16 }],
  ],
  ['an acknowledgement', message(2, u32(0), 0, 5), []],
  ['an overrun', message(4, []), [{ type: 'overrun', ...EVENT }]],
  ['a no-op and a route', [...message(1, []), ...message(24, u32(0))], []],
  ['nothing', [], []],
  ['a header cut short', message(3, []).slice(0, 15), [{ type: 'malformed', ...EVENT }]],
  [
    'a length shorter than its header',
    [...u32(15), ...Array(12).fill(0)],
    [{ type: 'malformed', ...EVENT }],
  ],
  [
    'a length beyond the datagram',
    [...u32(17), ...Array(12).fill(0)],
    [{ type: 'malformed', ...EVENT }],
  ],
  [
    'a link without its header',
    message(NEWLINK, Array(15).fill(0)),
    [{ type: 'malformed', ...EVENT }],
  ],
  [
    'an address without its header',
    message(NEWADDR, Array(7).fill(0)),
    [{ type: 'malformed', ...EVENT }],
  ],
];

for (const [name, bytes, expected] of CONTROLS) {
  test(`messages: ${name}`, () => {
    assert.deepEqual(decodeRouteMessages(Uint8Array.from(bytes)), expected);
  });
}

test('a datagram holds several messages, each aligned to four octets', () => {
  const odd = message(NEWLINK, [...ifinfo({ index: 7 }), ...u16(9), ...u16(3), ...text('eth0')]);
  assert.equal(odd.length % 4, 1);
  const bytes = Uint8Array.from([...odd, 0, 0, 0, ...message(DELLINK, ifinfo({ index: 8 }))]);
  assert.deepEqual(
    decodeRouteMessages(bytes).map(({ type }) => type),
    ['link', 'linkGone'],
  );
});

test('a decoded hardware address does not share memory with the datagram', () => {
  const bytes = Uint8Array.from(
    message(NEWLINK, [...ifinfo({ index: 7 }), ...attribute(1, [1, 2, 3])]),
  );
  const [first] = decodeRouteMessages(bytes);
  bytes.fill(0xff);
  assert.ok(first?.type === 'link');
  assert.deepEqual(first.link.hardwareAddress, Uint8Array.of(1, 2, 3));
});

test('requests are what the kernel expects', () => {
  assert.deepEqual(
    [...encodeLinkDump(9)],
    message(18, [...ifinfo({ index: 0, hardwareType: 0 }), ...attribute(29, u32(8))], 0x301, 9),
  );
  assert.deepEqual([...encodeAddressDump(9)], message(22, [2, 0, 0, 0, ...u32(0)], 0x301, 9));
});

const CORPUS = [
  ...LINKS.map(([, attributes]) => message(NEWLINK, [...ifinfo({ index: 7 }), ...attributes])),
  ...ADDRESSES.map(([, header, attributes]) => message(NEWADDR, [...header, ...attributes])),
  ...CONTROLS.map(([, bytes]) => [...bytes]),
];

test('property: no octets make the decoder throw, wherever they are cut or changed', () => {
  const mutation = fc.record({
    base: fc.constantFrom(...CORPUS),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
    cut: fc.nat(200),
    offset: fc.nat(7),
  });
  fc.assert(
    fc.property(mutation, ({ base, changes, cut, offset }) => {
      const bytes = Uint8Array.from([...Array(offset).fill(0), ...base]).subarray(offset);
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      decodeRouteMessages(bytes.subarray(0, cut));
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeRouteMessages(bytes);
    }),
  );
});

test('property: a datagram cut anywhere gives the messages before the cut, and malformed', () => {
  const whole = Uint8Array.from(CORPUS.slice(0, 9).flat());
  const all = decodeRouteMessages(whole);
  for (let cut = 0; cut < whole.length; cut++) {
    const messages = decodeRouteMessages(whole.subarray(0, cut));
    const last = messages.at(-1);
    const sound = last?.type === 'malformed' ? messages.slice(0, -1) : messages;
    assert.deepEqual(sound, all.slice(0, sound.length), `cut at ${cut}`);
  }
});
