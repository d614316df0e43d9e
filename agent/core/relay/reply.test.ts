// Server to client: RFC 1542 §4.1.2, RFC 2131 §4.1, RFC 3046 §2.1.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Arrival,
  CHADDR,
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

const MAC = Buffer.from(CHADDR).toString('hex');
const EVERYONE = 'ffffffffffff';
const CIRCUIT = [1, 4, ...Buffer.from('lan0')];
const OFFER = [53, 1, 2, 54, 4, 10, 0, 0, 1];

const reply = (edit: MessageEdit = {}): Buffer =>
  message({
    op: 2,
    giaddr: '192.0.2.1',
    yiaddr: '192.0.2.77',
    options: [...OFFER, 255],
    length: 300,
    ...edit,
  });

function delivered(bench: RelayBench, payload: Uint8Array, arrival: Arrival = {}): Sent {
  const sent = bench.receive(payload, arrival);
  assert.ok(typeof sent !== 'string', `dropped: ${sent}`);
  assert.equal(sent.length, 1);
  return sent[0]!;
}

const informed = (extra: object = {}, entry: object = {}): RelayBench =>
  new RelayBench(
    configOf({}, { ...entry, relayInformation: { ...INFORMATION, wanted: true, ...extra } }),
  );

// RFC 2131 §4.1 and Table 3, as a table: what is in the reply, and where it must go.
const DELIVERY = [
  {
    rule: 'B1: an OFFER goes to yiaddr at chaddr, without ARP',
    reply: {},
    to: '192.0.2.77',
    hardware: MAC,
  },
  {
    rule: 'B3: the BROADCAST bit means IP and link-layer broadcast',
    reply: { flags: 0x8000 },
    to: '255.255.255.255',
    hardware: EVERYONE,
  },
  {
    rule: 'B2: a NAK is broadcast',
    reply: { flags: 0x8000, yiaddr: '0.0.0.0', options: [53, 1, 6, 255] },
    to: '255.255.255.255',
    hardware: EVERYONE,
  },
  {
    rule: 'B2: a NAK without the BROADCAST bit is broadcast all the same',
    reply: { yiaddr: '0.0.0.0', options: [53, 1, 6, 255] },
    to: '255.255.255.255',
    hardware: EVERYONE,
  },
  {
    rule: 'B2: even a NAK that repeats ciaddr',
    reply: { ciaddr: '192.0.2.77', yiaddr: '0.0.0.0', options: [53, 1, 6, 255] },
    to: '255.255.255.255',
    hardware: EVERYONE,
  },
  {
    rule: 'B5: an ACK to an INFORM goes to ciaddr',
    reply: { ciaddr: '192.0.2.50', yiaddr: '0.0.0.0', options: [53, 1, 5, 255] },
    to: '192.0.2.50',
    hardware: MAC,
  },
  {
    rule: 'a renewal that came through us is answered at its address',
    reply: { ciaddr: '192.0.2.77' },
    to: '192.0.2.77',
    hardware: MAC,
  },
  {
    rule: 'RFC 4390: no hardware address, so broadcast',
    reply: { htype: 32, hlen: 0 },
    to: '255.255.255.255',
    hardware: EVERYONE,
  },
  {
    rule: "a hardware address that is a group's is no destination",
    reply: { chaddr: [1, 0, 0x5e, 0, 0, 1] },
    to: '255.255.255.255',
    hardware: EVERYONE,
  },
  {
    rule: 'a hardware address of zeros is no destination',
    reply: { chaddr: [0, 0, 0, 0, 0, 0] },
    to: '255.255.255.255',
    hardware: EVERYONE,
  },
  {
    rule: 'BOOTP replies have no option 53 and go to yiaddr',
    reply: { options: null },
    to: '192.0.2.77',
    hardware: MAC,
  },
] as const;

for (const row of DELIVERY) {
  test(`${row.rule}`, () => {
    const sent = delivered(new RelayBench(), reply(row.reply));
    assert.deepEqual([sent.to, sent.hardware], [row.to, row.hardware]);
    assert.deepEqual([sent.destinationPort, sent.sourcePort, sent.ifindex], [68, 67, 1]);
    assert.equal(sent.from, '192.0.2.1', 'never from 0.0.0.0');
  });
}

for (const hops of [0, 1, 2, 16, 255]) {
  test(`B4: hops ${hops} in a reply means nothing, and stays`, () => {
    assert.equal(delivered(new RelayBench(), reply({ hops })).message[3], hops);
  });
}

const DROPS: readonly {
  rule: string;
  drop: string;
  reply?: MessageEdit;
  arrival?: Arrival;
  bench?: () => RelayBench;
}[] = [
  {
    rule: 'only configured servers are believed',
    arrival: { source: '10.0.0.66' },
    drop: 'notFromServer',
  },
  { rule: 'a reply for another relay', reply: { giaddr: '203.0.113.1' }, drop: 'giaddrNotOurs' },
  {
    rule: 'a reply without giaddr has not come through a relay',
    reply: { giaddr: '0.0.0.0' },
    drop: 'giaddrNotOurs',
  },
  {
    rule: 'a reply in transit to another relay',
    arrival: { destination: '203.0.113.1' },
    drop: 'notForUs',
  },
  {
    rule: 'an option longer than the message',
    reply: { options: [53, 1, 2, 12, 250, 1], length: 0 },
    drop: 'malformedOptions',
  },
];

for (const row of DROPS) {
  test(`dropped as ${row.drop}: ${row.rule}`, () => {
    const bench = row.bench?.() ?? new RelayBench();
    assert.equal(bench.receive(reply(row.reply), row.arrival), row.drop);
  });
}

test('servers behind an upstream that is itself a relay answer past it, from replySources', () => {
  const replySources = [{ address: ip('10.9.0.0'), length: 16 }];
  const bench = new RelayBench(configOf({ replySources }));
  assert.equal(delivered(bench, reply(), { source: '10.9.3.4' }).to, '192.0.2.77');
  assert.equal(bench.receive(reply(), { source: '10.8.3.4' }), 'notFromServer');
});

test('R5: our option 82 is stripped; what follows it stays byte for byte', () => {
  const options = [...OFFER, 82, 6, ...CIRCUIT, 12, 2, 65, 66, 255];
  const sent = delivered(informed(), reply({ options, length: 320 }));
  const want = reply({ options: [...OFFER, 12, 2, 65, 66, 255], length: 320 - 8 });
  assert.deepEqual(sent.message, want);
});

test('R5: an echo from which the server dropped a sub-option it does not know is still ours', () => {
  const bench = informed({ serverIdOverride: true });
  const sent = delivered(bench, reply({ options: [...OFFER, 82, 6, ...CIRCUIT, 255] }));
  assert.deepEqual([...sent.message.subarray(240, 240 + OFFER.length + 1)], [...OFFER, 255]);
});

test('B17: a reply that stripping makes shorter than 300 octets is filled up again', () => {
  const sent = delivered(
    informed(),
    reply({ options: [...OFFER, 82, 6, ...CIRCUIT, 255], length: 300 }),
  );
  assert.equal(sent.message.length, 300);
});

test('option 82 that is not ours stays: it belongs to the switch behind a trusted interface', () => {
  const options = [...OFFER, 82, 3, 1, 1, 7, 255];
  const sent = delivered(informed({}, { trusted: true }), reply({ options }));
  assert.deepEqual([...sent.message.subarray(240, 240 + options.length)], options);
});

test('a relay that adds no option 82 takes none away', () => {
  const options = [...OFFER, 82, 6, ...CIRCUIT, 255];
  const sent = delivered(new RelayBench(), reply({ options }));
  assert.deepEqual([...sent.message.subarray(240, 240 + options.length)], options);
});

test('a server that echoes no option 82 at all is believed', () => {
  assert.equal(delivered(informed(), reply()).to, '192.0.2.77');
});

for (const [name, echoed, want] of [
  ['two options', [82, 3, 1, 1, 7, 82, 6, ...CIRCUIT], [82, 3, 1, 1, 7]],
  ['one option (RFC 3396)', [82, 9, 1, 1, 7, ...CIRCUIT], [82, 3, 1, 1, 7]],
] as const) {
  test(`what we appended to a trusted switch's option 82 is taken off again, echoed as ${name}`, () => {
    const bench = informed({ existing: 'Append' }, { trusted: true });
    const sent = delivered(bench, reply({ options: [...OFFER, ...echoed, 255] }));
    const end = 240 + OFFER.length + want.length;
    assert.deepEqual([...sent.message.subarray(240, end + 1)], [...OFFER, ...want, 255]);
  });
}

const shared = (): RelayBench =>
  new RelayBench(configOf({}, { giaddr: ip('10.255.0.1') }), [
    linkAt(1, 'lan0', '192.0.2.1'),
    linkAt(2, 'lan1', '198.51.100.1'),
    loopbackAt(3, '10.255.0.1'),
  ]);

test('links that share a giaddr: option 82 tells which one the client is on', () => {
  const bench = shared();
  for (const [name, ifindex] of [
    ['lan0', 1],
    ['lan1', 2],
  ] as const) {
    const options = [...OFFER, 82, 6, 1, 4, ...Buffer.from(name), 255];
    const sent = delivered(bench, reply({ giaddr: '10.255.0.1', options }), {
      destination: '10.255.0.1',
    });
    assert.equal(sent.ifindex, ifindex);
  }
});

test('R14: a server that does not echo option 82: the pending request tells the link', () => {
  const bench = shared();
  bench.receive(message({ xid: 7 }), { ifindex: 2 });
  const sent = delivered(bench, reply({ xid: 7, giaddr: '10.255.0.1' }), {
    destination: '10.255.0.1',
  });
  assert.equal(sent.ifindex, 2);
  assert.equal(sent.from, '198.51.100.1');
});

test('R14: and when there is none, several links with one giaddr are ambiguous: dropped, not guessed', () => {
  const answer = reply({ xid: 8, giaddr: '10.255.0.1' });
  assert.equal(shared().receive(answer, { destination: '10.255.0.1' }), 'ambiguousLink');
});

test('R14: a pending request is forgotten when its client has given up', () => {
  const bench = shared();
  bench.receive(message({ xid: 7 }), { ifindex: 2 });
  const late = { destination: '10.255.0.1', now: 65_000 };
  assert.equal(bench.receive(reply({ xid: 7, giaddr: '10.255.0.1' }), late), 'ambiguousLink');
});

test('R14: with a giaddr of its own a link needs no option 82 to be found', () => {
  const links = [linkAt(1, 'lan0', '192.0.2.1'), linkAt(2, 'lan1', '198.51.100.1')];
  const sent = delivered(new RelayBench(configOf(), links), reply({ giaddr: '198.51.100.1' }));
  assert.equal(sent.ifindex, 2);
});

test('the interface of a pending request has gone meanwhile', () => {
  const bench = shared();
  bench.receive(message({ xid: 7 }), { ifindex: 2 });
  bench.relay.plan = bench.plan([
    linkAt(1, 'lan0', '192.0.2.1'),
    linkAt(4, 'lan2', '203.0.113.1'),
    loopbackAt(3, '10.255.0.1'),
  ]);
  const answer = reply({ xid: 7, giaddr: '10.255.0.1' });
  assert.equal(bench.receive(answer, { destination: '10.255.0.1' }), 'linkGone');
});

test('R11, RFC 6607: a server that leaves the control sub-option in place did not understand the virtual subnet', () => {
  const bench = informed({ virtualSubnet: Uint8Array.of(0, 114) });
  const echo = (control: number[]): number[] => {
    const data = [...CIRCUIT, 151, 2, 0, 114, ...control];
    return [...OFFER, 82, data.length, ...data, 255];
  };
  assert.equal(bench.receive(reply({ options: echo([152, 0]) })), 'virtualSubnetNotUnderstood');
  delivered(bench, reply({ options: echo([]) }));
});

test('a link without an address of its own answers from giaddr, never from 0.0.0.0', () => {
  const links = [linkOf({ addresses: [] }), loopbackAt(3, '10.255.0.1')];
  const bench = new RelayBench(configOf({}, { giaddr: ip('10.255.0.1') }), links);
  const sent = delivered(bench, reply({ giaddr: '10.255.0.1' }), { destination: '10.255.0.1' });
  assert.equal(sent.from, '10.255.0.1');
});

test('the time a server took is measured from the request', () => {
  const bench = new RelayBench();
  bench.receive(message({ xid: 9 }), { now: 100 });
  bench.receive(reply({ xid: 9 }), { now: 107 });
  assert.deepEqual(bench.observed, ['request lan0 1', 'reply lan0 2 7']);
});
