// Client to server. Every test is a rule of RFC 1542 §4.1.1, RFC 3046 or their extensions, or a defect seen elsewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PACKET_TYPE } from '../ring.ts';
import type { RelayLink } from './links.ts';
import {
  type Arrival,
  configOf,
  INFORMATION,
  ip,
  linkAt,
  linkOf,
  loopbackAt,
  type MessageEdit,
  message,
  RelayBench,
  type Sent,
} from './testing.ts';

const DISCOVER = [53, 1, 1, 255];

function relayed(bench: RelayBench, payload: Uint8Array, arrival: Arrival = {}): readonly Sent[] {
  const sent = bench.receive(payload, arrival);
  assert.ok(typeof sent !== 'string', `dropped: ${sent}`);
  return sent;
}

function only(bench: RelayBench, payload: Uint8Array, arrival: Arrival = {}): Sent {
  const sent = relayed(bench, payload, arrival);
  assert.equal(sent.length, 1);
  return sent[0]!;
}

/** What stands after the cookie, without the padding. */
function options(sent: Sent): number[] {
  const all = [...sent.message.subarray(240)];
  return all.slice(0, all.lastIndexOf(255) + 1);
}

const informed = (extra: object = {}, links?: readonly RelayLink[]): RelayBench =>
  new RelayBench(
    configOf({}, { relayInformation: { ...INFORMATION, wanted: true, ...extra } }),
    links,
  );

const CIRCUIT = [1, 4, ...Buffer.from('lan0')];

interface DropRow {
  readonly rule: string;
  readonly drop: string;
  readonly message?: MessageEdit;
  readonly arrival?: Arrival;
  readonly bench?: () => RelayBench;
}

const DROPS: readonly DropRow[] = [
  {
    rule: 'B18: a request that has passed maxHops relays is dropped',
    message: { hops: 4 },
    drop: 'tooManyHops',
  },
  {
    rule: 'R2: option 82 without giaddr on an untrusted interface is dropped',
    message: { options: [53, 1, 1, 82, 3, 1, 1, 7, 255] },
    drop: 'untrustedRelayInformation',
  },
  {
    rule: 'R3: a giaddr of ours in a request is forged',
    message: { giaddr: '192.0.2.1' },
    drop: 'spoofedGiaddr',
  },
  {
    rule: 'R3: a giaddr of another interface of ours is forged too',
    message: { giaddr: '198.51.100.1' },
    bench: () => new RelayBench(configOf(), [linkOf(), linkAt(2, 'lan1', '198.51.100.1')]),
    drop: 'spoofedGiaddr',
  },
  {
    rule: 'what we sent ourselves is not relayed again',
    arrival: { source: '192.0.2.1' },
    message: { giaddr: '203.0.113.9', hops: 1 },
    drop: 'ownOutput',
  },
  {
    rule: 'an outgoing packet seen by the tap is not relayed',
    arrival: { packetType: PACKET_TYPE.OUTGOING },
    drop: 'ownOutput',
  },
  {
    rule: 'a frame for another host, or with a tag nobody here has, is not relayed',
    arrival: { packetType: PACKET_TYPE.OTHER_HOST },
    drop: 'otherHost',
  },
  {
    rule: 'a renewal routed through this node is not relayed a second time',
    arrival: { source: '192.0.2.77', destination: '10.0.0.1' },
    message: { ciaddr: '192.0.2.77' },
    drop: 'notForUs',
  },
  {
    rule: 'a renewal to a server on this node is not relayed to it a second time',
    arrival: { source: '192.0.2.77', destination: '10.0.0.1' },
    message: { ciaddr: '192.0.2.77' },
    bench: () => new RelayBench(configOf(), [linkOf(), linkAt(2, 'eth0', '10.0.0.1')]),
    drop: 'serverHere',
  },
  {
    rule: 'RFC 5107: a renewal to our address is heard by the server on this node as well',
    arrival: { source: '192.0.2.77', destination: '192.0.2.1' },
    message: { ciaddr: '192.0.2.77' },
    bench: () => informed({ serverIdOverride: true }, [linkOf(), linkAt(2, 'eth0', '10.0.0.1')]),
    drop: 'serverHere',
  },
  {
    rule: 'the directed broadcast of another link is in transit',
    arrival: { destination: '198.51.100.255' },
    drop: 'notForUs',
  },
  {
    rule: 'a request on an interface that is not configured is not relayed',
    arrival: { ifindex: 9 },
    drop: 'notServed',
  },
  {
    rule: 'S16: an option longer than the message is malformed',
    message: { options: [53, 1, 1, 12, 200, 65] },
    drop: 'malformedOptions',
  },
  { rule: 'neither request nor reply', message: { op: 3 }, drop: 'badOp' },
  {
    rule: 'no server known yet',
    bench: () =>
      new RelayBench(
        configOf({}, { upstreams: [{ kind: 'hostname', hostname: 'later.example' }] }),
      ),
    drop: 'noUpstream',
  },
  {
    rule: 'the policy Discard drops what comes with option 82',
    message: { giaddr: '203.0.113.1', hops: 1, options: [53, 1, 1, 82, 3, 1, 1, 7, 255] },
    bench: () => informed({ existing: 'Discard' }),
    drop: 'existingRelayInformation',
  },
];

for (const row of DROPS) {
  test(`dropped as ${row.drop}: ${row.rule}`, () => {
    const bench = row.bench?.() ?? new RelayBench();
    assert.equal(bench.receive(message(row.message), row.arrival), row.drop);
  });
}

test('dropped as short: fewer octets than the fixed part of BOOTP', () => {
  assert.equal(new RelayBench().receive(message().subarray(0, 200)), 'short');
});

test('B18, RFC 1542 §4.1.1: the first relay counts the hop and sets giaddr; all else is as the client sent it', () => {
  const sent = only(new RelayBench(), message({ length: 300 }));
  const want = message({ hops: 1, giaddr: '192.0.2.1', length: 300 });
  assert.deepEqual(sent.message, want);
  assert.deepEqual([sent.from, sent.sourcePort], ['192.0.2.1', 67]);
  assert.deepEqual([sent.to, sent.destinationPort], ['10.0.0.1', 67]);
});

test('B18: giaddr is set only when zero and never modified; a second relay only counts the hop', () => {
  const first = { hops: 1, giaddr: '203.0.113.1', length: 300 };
  const sent = only(informed(), message(first), {
    source: '203.0.113.1',
    destination: '192.0.2.1',
  });
  assert.deepEqual(sent.message, message({ ...first, hops: 2 }));
  assert.equal(sent.from, '192.0.2.1');
});

test('B19: a request goes to every server, once each', () => {
  const upstreams = ['10.0.0.1', '10.0.0.2', '10.0.0.1'].map(
    (address) => ({ kind: 'address', address: ip(address) }) as const,
  );
  const sent = relayed(new RelayBench(configOf({}, { upstreams })), message());
  assert.deepEqual(
    sent.map((s) => s.to),
    ['10.0.0.1', '10.0.0.2'],
  );
  assert.deepEqual(sent[0]?.message, sent[1]?.message);
});

test('a server given by name is asked at its addresses', () => {
  const upstreams = [{ kind: 'hostname', hostname: 'dhcp.example' }] as const;
  assert.equal(only(new RelayBench(configOf({}, { upstreams })), message()).to, '10.0.0.7');
});

test('secondary addresses: one request out per request in, with the primary address as giaddr', () => {
  const addresses = ['192.0.2.1', '192.0.2.5', '198.51.100.1'].map((address, i) => ({
    address: ip(address),
    prefixLength: 24,
    secondary: i === 1,
    global: true,
  }));
  const sent = only(new RelayBench(configOf(), [linkOf({ addresses })]), message());
  assert.equal(sent.message.readUInt32BE(24), ip('192.0.2.1'));
});

test('B17: a request shorter than 300 octets is filled up with zeros', () => {
  const sent = only(new RelayBench(), message());
  assert.equal(sent.message.length, 300);
  assert.ok(sent.message.subarray(244).every((octet) => octet === 0));
});

test('BOOTP without a cookie passes through, without option 82', () => {
  const sent = only(informed(), message({ options: null }));
  assert.deepEqual(sent.message, message({ options: null, hops: 1, giaddr: '192.0.2.1' }));
});

for (const type of [0, 10, 14, 99, 255]) {
  test(`message type ${type}, which a relay does not know, passes through`, () => {
    const sent = only(new RelayBench(), message({ options: [53, 1, type, 255] }));
    assert.deepEqual(options(sent), [53, 1, type, 255]);
  });
}

for (const [htype, hlen] of [
  [1, 6],
  [6, 6],
  [7, 1],
  [32, 0],
] as const) {
  test(`hardware type ${htype} of ${hlen} octets passes through`, () => {
    assert.equal(only(new RelayBench(), message({ htype, hlen })).message[1], htype);
  });
}

test('options that appear twice (RFC 3396) go through as they are', () => {
  const twice = [53, 1, 1, 12, 2, 65, 66, 12, 1, 67, 255];
  assert.deepEqual(options(only(new RelayBench(), message({ options: twice }))), twice);
});

test('R1: option 82 is off unless it is wanted or needed', () => {
  assert.deepEqual(options(only(new RelayBench(), message())), DISCOVER);
});

test('R1: option 82 is the last option before END, and what padded the message behind END goes', () => {
  const sent = only(
    informed(),
    message({ options: [53, 1, 1, 60, 1, 65, 255, 0, 0, 0], length: 320 }),
  );
  assert.deepEqual(options(sent), [53, 1, 1, 60, 1, 65, 82, 6, ...CIRCUIT, 255]);
});

test('a message without END gets one behind option 82', () => {
  assert.deepEqual(options(only(informed(), message({ options: [53, 1, 1] }))), [
    53,
    1,
    1,
    82,
    6,
    ...CIRCUIT,
    255,
  ]);
});

test('R2: on a trusted interface option 82 of the switch is forwarded, and no second one added', () => {
  const own = [53, 1, 1, 82, 3, 1, 1, 7, 255];
  const bench = new RelayBench(
    configOf({}, { trusted: true, relayInformation: { ...INFORMATION, wanted: true } }),
  );
  const sent = only(bench, message({ options: own }));
  assert.deepEqual(options(sent), own);
  assert.equal(sent.message.readUInt32BE(24), ip('192.0.2.1'));
});

for (const { policy, want } of [
  { policy: 'Forward', want: [82, 3, 1, 1, 7] },
  { policy: 'Append', want: [82, 3, 1, 1, 7, 82, 6, ...CIRCUIT] },
  { policy: 'Replace', want: [82, 6, ...CIRCUIT] },
] as const) {
  test(`policy ${policy} for option 82 of a relay before us`, () => {
    const from = { source: '203.0.113.1', destination: '192.0.2.1' };
    const payload = message({
      hops: 1,
      giaddr: '203.0.113.1',
      options: [53, 1, 1, 82, 3, 1, 1, 7, 255],
    });
    assert.deepEqual(options(only(informed({ existing: policy }), payload, from)), [
      53,
      1,
      1,
      ...want,
      255,
    ]);
  });
}

for (const { policy, want } of [
  { policy: 'Append', want: [82, 3, 1, 1, 7] },
  { policy: 'Replace', want: [] },
] as const) {
  test(`policy ${policy} where nothing of ours is to be said adds nothing`, () => {
    const bench = informed({ existing: policy, mode: 'Never' });
    const payload = message({ giaddr: '203.0.113.1', options: [53, 1, 1, 82, 3, 1, 1, 7, 255] });
    const from = { source: '203.0.113.1', destination: '192.0.2.1' };
    assert.deepEqual(options(only(bench, payload, from)), [53, 1, 1, ...want, 255]);
  });
}

test('policy Replace takes out every option 82, however many relays have added one', () => {
  const both = [82, 3, 1, 1, 7, 82, 3, 1, 1, 8];
  const payload = message({ giaddr: '203.0.113.1', options: [53, 1, 1, ...both, 255] });
  const from = { source: '203.0.113.1', destination: '192.0.2.1' };
  const sent = only(informed({ existing: 'Replace' }), payload, from);
  assert.deepEqual(options(sent), [53, 1, 1, 82, 6, ...CIRCUIT, 255]);
});

test('R3, RFC 3046 §2.1.1: a relay that is not the first adds no option 82', () => {
  const from = { source: '203.0.113.1', destination: '192.0.2.1' };
  assert.deepEqual(
    options(only(informed(), message({ hops: 1, giaddr: '203.0.113.1' }), from)),
    DISCOVER,
  );
});

test('R4: a message that option 82 would make too large goes without it, and that is counted', () => {
  const config = configOf(
    { maxMessageSize: 576 },
    { relayInformation: { ...INFORMATION, wanted: true } },
  );
  const filler = [60, 255, ...Array<number>(255).fill(65), 61, 67, ...Array<number>(67).fill(66)];
  const bench = new RelayBench(config);
  const payload = message({ options: [53, 1, 1, ...filler, 255] });
  assert.ok(payload.length > 576 - 8 && payload.length <= 576);
  assert.deepEqual(options(only(bench, payload)), [53, 1, 1, ...filler, 255]);
  assert.deepEqual(bench.observed, ['omitted lan0', 'request lan0 1']);
});

test('R4: nor does it grow beyond the slot that it was received in, whatever maxMessageSize says', () => {
  const config = configOf(
    { maxMessageSize: 65_507 },
    { relayInformation: { ...INFORMATION, wanted: true } },
  );
  // A slot of 2,048 octets, of which headroom and headers take 92.
  const filled = (length: number): Buffer => {
    const payload = Buffer.concat([message(), Buffer.alloc(length - 244)]);
    payload.set([53, 1, 1], 240);
    for (let at = 243; at < length - 1; at += 2 + payload[at + 1]!) {
      payload[at] = 224;
      payload[at + 1] = Math.min(255, length - 1 - at - 2);
    }
    payload[length - 1] = 255;
    return payload;
  };
  const tight = new RelayBench(config);
  assert.equal(only(tight, filled(1956 - 8)).message.length, 1956);
  assert.deepEqual(tight.observed, ['request lan0 1']);
  const tooTight = new RelayBench(config);
  assert.equal(only(tooTight, filled(1956 - 7)).message.length, 1956 - 7);
  assert.deepEqual(tooTight.observed, ['omitted lan0', 'request lan0 1']);
});

test('R7: the circuit-id is a stable name, the same whatever index the interface has', () => {
  const config = configOf({}, { relayInformation: { ...INFORMATION, wanted: true } });
  const [a, b] = [3, 77].map((index) => {
    const bench = new RelayBench(config, [linkAt(index, 'lan0', '192.0.2.1')]);
    return options(only(bench, message(), { ifindex: index }));
  });
  assert.deepEqual(a, b);
});

test("R9, RFC 3527: with a giaddr that is not on the client's link, sub-option 5 names the link", () => {
  const links = [linkOf(), loopbackAt(2, '10.255.0.1')];
  const sent = only(new RelayBench(configOf({}, { giaddr: ip('10.255.0.1') }), links), message());
  assert.equal(sent.message.readUInt32BE(24), ip('10.255.0.1'));
  assert.deepEqual(options(sent).slice(3, -1).slice(8), [5, 4, 192, 0, 2, 1]);
});

test('R10, RFC 5107 and 5010: server-id override, and whether the request came by unicast', () => {
  const bench = informed({ serverIdOverride: true });
  const tail = [11, 4, 192, 0, 2, 1, 10, 1];
  assert.deepEqual(options(only(bench, message())).slice(-10), [...tail, 0, 255].slice(-10));
  const renewal = message({ ciaddr: '192.0.2.77', options: [53, 1, 3, 255] });
  const sent = only(bench, renewal, { source: '192.0.2.77', destination: '192.0.2.1' });
  assert.deepEqual(options(sent).slice(-10), [...tail, 0x80, 255].slice(-10));
  assert.equal(sent.message.readUInt32BE(24), ip('192.0.2.1'));
});

test('RFC 5107: of several servers, those elsewhere get a renewal to our address', () => {
  const upstreams = ['10.0.0.1', '10.0.0.2'].map((a) => ({
    kind: 'address' as const,
    address: ip(a),
  }));
  const renewal = message({ ciaddr: '192.0.2.77', options: [53, 1, 3, 255] });
  const toUs = { source: '192.0.2.77', destination: '192.0.2.1' };
  const goesTo = (links: readonly RelayLink[], arrival?: Arrival): readonly string[] => {
    const sent = new RelayBench(configOf({}, { upstreams }), links).receive(renewal, arrival);
    return typeof sent === 'string' ? [sent] : sent.map(({ to }) => to);
  };
  const both = ['10.0.0.1', '10.0.0.2'];
  assert.deepEqual(goesTo([linkOf(), linkAt(2, 'eth0', '10.0.0.1')], toUs), ['10.0.0.2']);
  assert.deepEqual(goesTo([linkOf(), loopbackAt(2, '10.0.0.1')], toUs), ['10.0.0.2']);
  // To everyone, which a server on this node may not hear on that link.
  assert.deepEqual(goesTo([linkOf(), linkAt(2, 'eth0', '10.0.0.1')]), both);
  // The address of a service, which may be on this node while the server is not.
  assert.deepEqual(goesTo([linkOf(), linkAt(2, 'eth0', '10.0.0.1', 32)], toUs), both);
  const ipvs = { ...linkAt(2, 'kube-ipvs0', '10.0.0.1', 32), up: false };
  assert.deepEqual(goesTo([linkOf(), ipvs], toUs), both);
});

test('RFC 4390: clients without a hardware address are told apart by identifier when they ask too often', () => {
  const bench = new RelayBench(configOf({ rateLimit: { perClient: 10, perInterface: 0 } }));
  const ask = (n: number): unknown =>
    bench.receive(
      message({ htype: 32, hlen: 0, chaddr: [], options: [53, 1, 1, 61, 3, 255, 0, n, 255] }),
    );
  for (let i = 0; i < 10; i++) ask(1);
  assert.equal(ask(1), 'clientRate');
  assert.notEqual(ask(2), 'clientRate');
});

test('R11, RFC 6607: the virtual subnet comes with the control sub-option', () => {
  const bench = informed({ virtualSubnet: Uint8Array.of(0, 114, 101, 100) });
  assert.deepEqual(
    options(only(bench, message())).slice(-9),
    [151, 4, 0, 114, 101, 100, 152, 0, 255],
  );
});

test('R12, RFC 6925 and 3993: relay-id and subscriber-id', () => {
  const bench = informed({ relayId: 'Auto', subscriberId: [{ kind: 'field', field: 'node' }] });
  const want = [12, 5, 0, 4, 1, 2, 3, 6, 6, ...Buffer.from('node-a'), 255];
  assert.deepEqual(options(only(bench, message())).slice(-want.length), want);
});

test('R13, RFC 8357: another source port is used and told by sub-option 19', () => {
  const sent = only(new RelayBench(configOf({ sourcePort: 6767 })), message());
  assert.equal(sent.sourcePort, 6767);
  assert.deepEqual(options(sent).slice(-3), [19, 0, 255]);
});

test('links that share a giaddr get option 82 without being asked, or replies could not find their way', () => {
  const links = [
    linkAt(1, 'lan0', '192.0.2.1'),
    linkAt(2, 'lan1', '198.51.100.1'),
    loopbackAt(3, '10.255.0.1'),
  ];
  const config = configOf(
    {},
    { giaddr: ip('10.255.0.1'), relayInformation: { ...INFORMATION, linkSelection: 'Never' } },
  );
  assert.deepEqual(options(only(new RelayBench(config, links), message())), [
    53,
    1,
    1,
    82,
    6,
    ...CIRCUIT,
    255,
  ]);
});

test('mode Never keeps option 82 away whatever else would need it', () => {
  const bench = informed({ mode: 'Never' });
  assert.deepEqual(options(only(bench, message())), DISCOVER);
});

test('one client that asks too often is held back, and another is not', () => {
  const bench = new RelayBench(configOf({ rateLimit: { perClient: 20, perInterface: 0 } }));
  const verdicts = Array.from({ length: 30 }, () => bench.receive(message()));
  assert.equal(verdicts.filter((v) => v === 'clientRate').length, 10);
  assert.notEqual(bench.receive(message({ chaddr: [2, 0, 0, 0, 0, 0x0b] })), 'clientRate');
  assert.notEqual(bench.receive(message(), { now: 60 }), 'clientRate', '50 ms refill one token');
});

test('an interface that asks too often is held back', () => {
  const bench = new RelayBench(configOf({ rateLimit: { perClient: 0, perInterface: 100 } }));
  const verdicts = Array.from({ length: 100 }, (_, i) =>
    bench.receive(message({ chaddr: [2, 0, 0, 0, 1, i] })),
  );
  assert.equal(verdicts.filter((v) => v === 'interfaceRate').length, 100 - 64);
});

test('a rate that is changed holds at once, and what stays as it was is not forgiven', () => {
  const ask = (bench: RelayBench, n: number): number =>
    Array.from({ length: n }, () => bench.receive(message())).filter((v) => typeof v !== 'string')
      .length;
  const bench = new RelayBench(configOf({ rateLimit: { perClient: 20, perInterface: 0 } }));
  assert.equal(ask(bench, 30), 20);
  bench.relay.configure(configOf({ maxHops: 9, rateLimit: { perClient: 20, perInterface: 0 } }));
  assert.equal(ask(bench, 30), 0, 'the same as before');
  bench.relay.configure(configOf({ rateLimit: { perClient: 0, perInterface: 0 } }));
  assert.equal(ask(bench, 30), 30, 'none');
  bench.relay.configure(configOf({ rateLimit: { perClient: 0, perInterface: 1000 } }));
  assert.equal(ask(bench, 200), 100, 'a tenth of a second of it');
  bench.relay.configure(configOf({ maxHops: 9, rateLimit: { perClient: 0, perInterface: 1000 } }));
  assert.equal(ask(bench, 200), 0);
  bench.relay.configure(configOf({ rateLimit: { perClient: 0, perInterface: 2000 } }));
  assert.equal(ask(bench, 300), 200);
});

test('a message to one server and then to two: each has headers and payload of its own', () => {
  const two = [
    { kind: 'address', address: ip('10.0.0.1') },
    { kind: 'address', address: ip('10.0.0.2') },
  ] as const;
  const [any] = configOf().interfaces;
  const interfaces = [
    { ...any!, match: 'lan0' },
    { ...any!, match: 'lan1', upstreams: two },
  ];
  const links = [linkAt(1, 'lan0', '192.0.2.1'), linkAt(2, 'lan1', '198.51.100.1')];
  const bench = new RelayBench(configOf({ interfaces }), links);
  for (let round = 0; round < 2; round++) {
    assert.equal(only(bench, message()).to, '10.0.0.1');
    const sent = relayed(bench, message(), { ifindex: 2 });
    assert.deepEqual(
      sent.map(({ to, from, message: { length } }) => [to, from, length]),
      [
        ['10.0.0.1', '198.51.100.1', 300],
        ['10.0.0.2', '198.51.100.1', 300],
      ],
    );
  }
});

test('property: a relay changes hops, giaddr and its own option 82, and no other octet', () => {
  const option = fc
    .tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 40 }))
    .filter(([code]) => code !== 82)
    .map(([code, data]) => [code, data.length, ...data]);
  fc.assert(
    fc.property(fc.array(option, { maxLength: 12 }), fc.nat(3), (list, hops) => {
      const payload = message({ hops, options: [...list.flat(), 255], length: 300 });
      const bench = informed();
      const sent = only(bench, payload);
      const want = Buffer.from(payload);
      want[3] = hops + 1;
      want.writeUInt32BE(ip('192.0.2.1'), 24);
      const end = 240 + list.flat().length;
      assert.deepEqual(sent.message.subarray(0, end), want.subarray(0, end));
      assert.deepEqual([...sent.message.subarray(end, end + 9)], [82, 6, ...CIRCUIT, 255]);
    }),
  );
});

test('property: no packet, however malformed, throws or sends from 0.0.0.0', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.boolean(), (junk, wrapped) => {
      const bench = informed();
      if (wrapped) {
        const sent = bench.receive(junk);
        if (typeof sent !== 'string') for (const one of sent) assert.notEqual(one.from, '0.0.0.0');
      } else {
        bench.ring.set(junk, 64);
        bench.receiveRaw(64, junk.length);
      }
    }),
  );
});
