// What goes into replies: RFC 2132 and its successors. S numbers are those of the checklist of the field, each line a test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage } from '../../../codec/v4/encode.ts';
import { fqdn } from '../../../codec/v4/identity.ts';
import { decodeMessage } from '../../../codec/v4/message.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import { Bed, ETH0, ip, messageOf, SERVER, SUBNET } from './testbed.ts';

const codesOf = (message: { options: readonly { code: number }[] }): number[] =>
  message.options.map(({ code }) => code);

test('S1 a long option is split at 255 octets and read as one again', () => {
  const search = Array.from({ length: 30 }, (_, i) => `department-${i}.campus-${i}.example`);
  const bed = new Bed({ options: { domainSearch: search } });
  const offer = bed.ask({ ask: [119], maxSize: 1500 });
  assert.equal(offer.option(119), search.join(','));
});

test('S1 options in pieces, and options in file and sname, are put together before they are read', () => {
  const bed = new Bed();
  const message = decodeMessage(messageOf({ mac: '02:00:00:00:00:0a' }));
  assert.ok(typeof message !== 'string');
  const clientId = new Uint8Array(300).fill(7);
  const options = [...message.options, { code: OPTION.clientIdentifier, data: clientId }];
  const { bytes } = encodeMessage({ ...message, options }, { maxBytes: 1472, overload: false });
  const say = (more: object) =>
    bed.machine.handle(bed.now, {
      kind: 'received',
      ifindex: ETH0,
      source: ip('0.0.0.0'),
      destination: ip('255.255.255.255'),
      message: bytes,
      ...more,
    });
  const [offer] = say({});
  assert.equal(offer!.kind, 'send');
  const reply = decodeMessage(offer!.kind === 'send' ? offer!.message : new Uint8Array());
  assert.ok(typeof reply !== 'string');
  const echoed = reply.options.find(({ code }) => code === OPTION.clientIdentifier);
  assert.deepEqual([...echoed!.data], [...clientId]);
});

// [octets of the client identifier, whether it comes back]
for (const [octets, isEchoed] of [
  [255, true],
  [300, true],
  [1000, true],
  [1200, false],
] as const) {
  test(`S4 a client identifier of ${octets} octets ${isEchoed ? 'comes' : 'leaves no room to come'} back`, () => {
    const clientId = new Uint8Array(octets).fill(7);
    const offer = new Bed().ask({ clientId, ask: [1, 3] });
    assert.ok(offer.bytes.length <= 1472);
    assert.equal(offer.option(3), '192.0.2.254');
    assert.equal(offer.option(OPTION.clientIdentifier) !== null, isEchoed);
  });
}

test('S2 routes go out as option 121, and as 249 to who asks for that', () => {
  const routes = [
    { destination: '10.0.0.0/8', router: '192.0.2.7' },
    { destination: '0.0.0.0/0', router: '192.0.2.254' },
  ];
  const bed = new Bed({ options: { classlessStaticRoutes: routes } });
  const offer = bed.ask({ ask: [121, 249, 3] });
  assert.deepEqual(codesOf(offer.message).slice(5), [1, 121, 249, 3]);
  const [data, copy] = [121, 249].map(
    (code) => offer.message.options.find((option) => option.code === code)!.data,
  );
  assert.deepEqual([...data!], [8, 10, 192, 0, 2, 7, 0, 192, 0, 2, 254]);
  assert.deepEqual(copy, data);
});

test('S3 a client identifier of IAID and DUID is an identity like any other', () => {
  const bed = new Bed();
  const clientId = Uint8Array.of(255, 0, 0, 0, 1, 0, 4, 1, 2, 3);
  const address = bed.lease({ clientId });
  assert.equal(bed.ask({ clientId, mac: '02:00:00:00:00:01' }).yiaddr, address);
});

test('S4 the client identifier is echoed unchanged in OFFER, ACK and NAK, unless told otherwise', () => {
  const clientId = Uint8Array.of(0, 97, 98, 99);
  const bed = new Bed();
  const offer = bed.ask({ clientId });
  const ack = bed.ask({ type: 'REQUEST', clientId, server: SERVER, requested: offer.yiaddr });
  const nak = bed.ask({ type: 'REQUEST', clientId, requested: '203.0.113.9' });
  for (const reply of [offer, ack, nak]) {
    const echo = reply.message.options.find(({ code }) => code === OPTION.clientIdentifier);
    assert.deepEqual(echo?.data, clientId, reply.type);
  }
  assert.equal(
    new Bed({ echoClientId: false }).ask({ clientId }).option(OPTION.clientIdentifier),
    null,
  );
});

test('S4 an identifier of less than two octets identifies nobody and is not echoed', () => {
  const bed = new Bed();
  const offer = bed.ask({ clientId: Uint8Array.of(1) });
  assert.equal(offer.option(OPTION.clientIdentifier), null);
});

test('S6 rapid commit: only when the client sent it and it is enabled, and the ACK carries it', () => {
  const options = { [OPTION.rapidCommit]: new Uint8Array() };
  assert.equal(new Bed().ask({ options }).type, 'OFFER');
  const bed = new Bed({ rapidCommit: true });
  assert.equal(bed.ask({ mac: '02:00:00:00:00:02' }).type, 'OFFER');
  const ack = bed.ask({ options });
  assert.equal(ack.type, 'ACK');
  assert.equal(ack.option(OPTION.rapidCommit), 'yes');
  assert.equal(bed.stateOf(ack.yiaddr), 'bound');
});

test('S8 IPv6-only preferred goes to who asks for it where it is configured, in OFFER and ACK', () => {
  const v6Mostly = { ...SUBNET, ipv6OnlyWait: '30m' };
  const bed = new Bed({ subnets: [v6Mostly] });
  assert.equal(bed.ask({ ask: [1, 108] }).option(108), '30m');
  assert.equal(
    bed.ask({ type: 'REQUEST', requested: '192.0.2.10', server: SERVER, ask: [108] }).option(108),
    '30m',
  );
  assert.equal(bed.ask({ ask: [1] }).option(108), null);
  assert.equal(bed.ask({}).option(108), null);
  assert.equal(new Bed().ask({ ask: [1, 108] }).option(108), null);
});

// S9: [policy, what a client without an address hears]
for (const [policy, heard] of [
  ['Silent', null],
  ['Allow', 'true'],
  ['Forbid', 'false'],
] as const) {
  test(`S9 auto-configure ${policy}: a client that gets no address is told so`, () => {
    const full = { ...SUBNET, pools: [{ start: '192.0.2.10', end: '192.0.2.10' }] };
    const bed = new Bed({ autoConfigure: policy, subnets: [full] });
    bed.lease({ mac: '02:00:00:00:00:0a' });
    const options = { [OPTION.autoConfigure]: Uint8Array.of(1) };
    const [offer] = bed.say({ mac: '02:00:00:00:00:0b', options });
    assert.equal(offer?.option(OPTION.autoConfigure) ?? null, heard);
    assert.equal(offer?.yiaddr, heard === null ? undefined : '0.0.0.0');
    assert.deepEqual(bed.say({ mac: '02:00:00:00:00:0b' }), [], 'who did not ask hears nothing');
  });
}

test('S9 with the word on auto-configuration goes the advice to do without IPv4, to who asks for it', () => {
  const full = { ...SUBNET, pools: [{ start: '192.0.2.10', end: '192.0.2.10' }] };
  const bed = new Bed({ autoConfigure: 'Forbid', ipv6OnlyWait: '30m', subnets: [full] });
  bed.lease({ mac: '02:00:00:00:00:0a' });
  const options = { [OPTION.autoConfigure]: Uint8Array.of(1) };
  const told = (ask: readonly number[]): (string | null)[] => {
    const offer = bed.ask({ mac: '02:00:00:00:00:0b', ask, options });
    return [offer.option(OPTION.autoConfigure), offer.option(108)];
  };
  assert.deepEqual(told([1, 108]), ['false', '30m']);
  assert.deepEqual(told([1, 3]), ['false', null]);
});

// S11: [flags of the client: S and N, what is answered]
for (const [server, noUpdate, answer] of [
  [true, false, { server: false, overridden: true, noUpdate: true }],
  [false, true, { server: false, overridden: false, noUpdate: true }],
  [false, false, { server: false, overridden: false, noUpdate: true }],
  [true, true, null],
] as const) {
  test(`S11 a name with S ${server} and N ${noUpdate}: this server updates no DNS and says so`, () => {
    const asked = {
      server,
      overridden: false,
      noUpdate,
      wire: true,
      rcode1: 0,
      rcode2: 0,
      name: 'pc.example.',
    };
    const offer = new Bed().ask({ options: { [OPTION.clientFqdn]: fqdn.encode(asked) } });
    const data = offer.message.options.find(({ code }) => code === OPTION.clientFqdn)?.data;
    if (answer === null) assert.equal(data, undefined);
    else assert.deepEqual(fqdn.decode(data!), { ...asked, ...answer, rcode1: 255, rcode2: 255 });
  });
}

test('S14 options of every level are merged, the nearest counts', () => {
  const bed = new Bed({
    options: { domainName: 'server', ntpServers: ['192.0.2.1'], logServers: ['192.0.2.2'] },
    sharedNetworks: [
      { name: 'hall', options: { domainName: 'network', ntpServers: ['192.0.2.3'] } },
    ],
    subnets: [
      {
        cidr: '192.0.2.0/24',
        sharedNetwork: 'hall',
        options: { domainName: 'subnet' },
        pools: [{ start: '192.0.2.10', end: '192.0.2.20', options: { domainName: 'pool' } }],
        reservations: [
          {
            hardwareAddress: '02:00:00:00:00:0a',
            hostname: 'printer',
            options: { domainName: 'reservation' },
          },
        ],
      },
    ],
    classes: [
      { name: 'b', match: 'packet.hostname == "b"', options: { domainName: 'class' } },
      {
        name: 'c',
        match: 'packet.sent(12)',
        options: { domainName: 'later', logServers: ['192.0.2.4'] },
      },
    ],
  });
  const ask = [15, 42, 7, 12];
  const options = { [OPTION.hostName]: Buffer.from('b') };
  const told = (offer: { option(code: number): string | null }) =>
    ask.map((code) => offer.option(code));
  assert.deepEqual(told(bed.ask({ ask })), ['"pool"', '192.0.2.3', '192.0.2.2', null]);
  assert.deepEqual(told(bed.ask({ ask, options })), ['"class"', '192.0.2.3', '192.0.2.4', null]);
  const reserved = bed.ask({ ask, options, mac: '02:00:00:00:00:0a' });
  assert.deepEqual(told(reserved), ['"reservation"', '192.0.2.3', '192.0.2.4', '"printer"']);
});

test('forced options go to who does not ask, suppressed ones to nobody', () => {
  const bed = new Bed({
    options: {
      ntpServers: ['192.0.2.1'],
      domainName: 'example',
      custom: [{ code: 43, hex: '0104c0000201' }],
      force: [{ code: 43 }, { name: 'ntpServers' }],
      suppress: [{ name: 'domainName' }, { name: 'broadcastAddress' }],
    },
  });
  const offer = bed.ask({ ask: [3, 15, 28] });
  assert.deepEqual(codesOf(offer.message).slice(5), [1, 3, 43, 42]);
  assert.equal(offer.option(43) === null, false);
});

// [a subnet, its broadcast address as clients are told it]
for (const [cidr, address, want] of [
  ['203.0.113.0/29', '203.0.113.1', '203.0.113.7'],
  ['203.0.113.0/30', '203.0.113.1', '203.0.113.3'],
  ['203.0.113.0/31', '203.0.113.0', null],
  ['203.0.113.0/32', '203.0.113.0', null],
] as const) {
  test(`RFC 3021: the broadcast address of ${cidr} is ${want ?? 'none'}`, () => {
    const hardwareAddress = '02:00:00:00:00:01';
    const bed = new Bed({ subnets: [{ cidr, reservations: [{ address, hardwareAddress }] }] });
    assert.equal(bed.ask({ giaddr: address, ask: [1, 28] }).option(28), want);
  });
}

test('a lease is for twelve hours where nobody says for how long', () => {
  const bed = new Bed({ leaseTime: undefined as never });
  assert.equal(bed.ask({}).option(51), '12h');
  assert.equal(bed.ask({ leaseTime: 600 }).option(51), '10m');
  assert.equal(bed.ask({ leaseTime: 30 }).option(51), '1m', 'no less than a minute');
});

// [what a reservation says, whether that is anything beyond its address]
for (const [name, says, want] of [
  [
    'one option that is forced',
    { ntpServers: ['192.0.2.9'], force: [{ name: 'ntpServers' }] },
    true,
  ],
  ['one that is suppressed', { ntpServers: ['192.0.2.9'], suppress: [{ name: 'routers' }] }, true],
  ['nothing', {}, false],
] as const) {
  test(`a reservation that says ${name}`, () => {
    const hardwareAddress = '02:00:00:00:00:01';
    const reservations = [{ address: '192.0.2.10', hardwareAddress, options: says }];
    const bed = new Bed({ subnets: [{ ...SUBNET, reservations }] });
    assert.equal(bed.ask({ ask: [3, 42] }).option(42), want ? '192.0.2.9' : null);
    assert.equal(bed.ask({ ask: [3, 42], mac: '02:00:00:00:00:02' }).option(42), null);
  });
}

test('a nearer level may send what a farther one suppresses', () => {
  const subnet = { ...SUBNET, options: { ...SUBNET.options, force: [{ name: 'ntpServers' }] } };
  const bed = new Bed({
    options: { ntpServers: ['192.0.2.1'], suppress: [{ name: 'ntpServers' }] },
    subnets: [subnet],
  });
  assert.equal(bed.ask({ ask: [3] }).option(42), '192.0.2.1');
});

test('an edit reaches leases at their next renewal', () => {
  const bed = new Bed();
  bed.lease();
  bed.configure({
    subnets: [{ ...SUBNET, options: { domainNameServers: ['192.0.2.99'] } }],
    leaseTime: '2h',
  });
  const ack = bed.ask({ type: 'REQUEST', ciaddr: '192.0.2.10', ask: [6, 3] });
  assert.equal(ack.option(6), '192.0.2.99');
  assert.equal(ack.option(3), null);
  assert.equal(ack.option(OPTION.leaseTime), '2h');
});

test('two clients that ask for the same get the same options, and one that asks for others its own', () => {
  const bed = new Bed();
  const codes = (mac: string, ask: number[]) => codesOf(bed.ask({ mac, ask }).message).slice(5);
  assert.deepEqual(codes('02:00:00:00:00:0a', [3, 6]), [1, 3, 6]);
  assert.deepEqual(codes('02:00:00:00:00:0b', [6, 3]), [1, 6, 3]);
  assert.deepEqual(codes('02:00:00:00:00:0c', [3, 6]), [1, 3, 6]);
  assert.deepEqual(codes('02:00:00:00:00:0d', []), [1]);
});

// S16: [what arrives, why it is dropped]
const MALFORMED: readonly (readonly [string, (message: Buffer) => Buffer, string | null])[] = [
  ['shorter than the fixed part', (m) => m.subarray(0, 235), 'short'],
  [
    'an option past the end',
    (m) => Buffer.concat([m.subarray(0, 240), Buffer.of(53, 200, 1)]),
    'malformedOptions',
  ],
  [
    'a code without a length',
    (m) => Buffer.concat([m.subarray(0, 243), Buffer.of(61)]),
    'malformedOptions',
  ],
  ['no END', (m) => m.subarray(0, 243), null],
  ['only padding', (m) => Buffer.concat([m.subarray(0, 240), Buffer.alloc(200)]), 'bootpRefused'],
  [
    'an overload that names a field full of nothing',
    (m) => Buffer.concat([m.subarray(0, 243), Buffer.of(52, 1, 3, 255)]),
    null,
  ],
  [
    'hlen of 17',
    (m) => Buffer.concat([m.subarray(0, 2), Buffer.of(17), m.subarray(3)]),
    'badHardwareLength',
  ],
  [
    'hlen of 0 and no client identifier',
    (m) => Buffer.concat([m.subarray(0, 2), Buffer.of(0), m.subarray(3)]),
    'badHardwareLength',
  ],
  ['a reply', (m) => Buffer.concat([Buffer.of(2), m.subarray(1)]), 'badOp'],
  [
    'an unknown message type',
    (m) => Buffer.concat([m.subarray(0, 242), Buffer.of(200, 255)]),
    'badType',
  ],
  [
    'an OFFER as a request',
    (m) => Buffer.concat([m.subarray(0, 242), Buffer.of(2, 255)]),
    'badType',
  ],
];

for (const [name, mangle, reason] of MALFORMED) {
  test(`S16 ${name}`, () => {
    const bed = new Bed();
    const message = mangle(Buffer.from(messageOf({})));
    const actions = bed.machine.handle(bed.now, {
      kind: 'received',
      ifindex: ETH0,
      source: ip('0.0.0.0'),
      destination: ip('255.255.255.255'),
      message,
    });
    const drop = actions.find(({ kind }) => kind === 'drop');
    assert.equal(drop?.kind === 'drop' ? drop.reason : null, reason);
    if (reason === null) assert.equal(actions.length, 1);
  });
}

for (const octets of [1, 8, 16]) {
  test(`a hardware address of ${octets} octets is one (RFC 2131 §2: chaddr has room for 16)`, () => {
    const mac = Array.from({ length: octets }, (_, i) => `0${(i % 9) + 1}`).join(':');
    const bed = new Bed();
    const offer = bed.ask({ mac, htype: 32 });
    assert.equal(offer.message.chaddr.length, octets);
    assert.equal(bed.lease({ mac, htype: 32 }), offer.yiaddr);
  });
}
