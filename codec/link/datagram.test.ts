import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Ipv4, LIMITED_BROADCAST, parseIpv4, UNSPECIFIED } from '../ipv4.ts';
import { checksumOf, sumOf } from './checksum.ts';
import {
  Datagram,
  type DatagramDrop,
  HEADERS_LENGTH,
  parseDatagram,
  UDP_AT,
  writeHeaders,
  writePartialHeaders,
} from './datagram.ts';
import { decodeIp, IP_PROTOCOL } from './ip.ts';
import { decodeUdp } from './udp.ts';

const ip = (text: string): Ipv4 => parseIpv4(text) ?? assert.fail(text);
const [SOURCE, DESTINATION] = [ip('192.0.2.1'), ip('198.51.100.7')];

/** From 192.0.2.1:67 to 198.51.100.7:68. */
function packet(payload: Uint8Array = Buffer.from('payload')): Uint8Array {
  const bytes = new Uint8Array(HEADERS_LENGTH + payload.length);
  bytes.set(payload, HEADERS_LENGTH);
  writeHeaders(bytes, 0, SOURCE, 67, DESTINATION, 68, HEADERS_LENGTH, bytes.length);
  return bytes;
}

/** As changed by `change`, with the header checksum right again. */
function changed(change: (bytes: Uint8Array) => void, from: Uint8Array = packet()): Uint8Array {
  change(from);
  const headerLength = (from[0]! & 15) * 4;
  from.set([0, 0], 10);
  const checksum = checksumOf(sumOf(from, 0, Math.min(headerLength, from.length), 0));
  from.set([checksum >>> 8, checksum & 255], 10);
  return from;
}

function parse(bytes: Uint8Array, partialChecksum = false): Datagram | DatagramDrop {
  const datagram = new Datagram();
  return parseDatagram(datagram, bytes, 0, bytes.length, partialChecksum) ?? datagram;
}

interface Row {
  readonly rule: string;
  readonly bytes: Uint8Array;
  readonly drop: DatagramDrop;
}

const DROPS: readonly Row[] = [
  { rule: 'nothing at all', bytes: new Uint8Array(), drop: 'truncated' },
  {
    rule: 'RFC 791 §3.1 a header is 20 octets at least',
    bytes: packet().subarray(0, 19),
    drop: 'truncated',
  },
  { rule: 'IPv6 is not for us', bytes: changed((b) => b.set([0x65])), drop: 'notIpv4' },
  {
    rule: 'RFC 791 §3.1 a header length below 5 words',
    bytes: changed((b) => b.set([0x44])),
    drop: 'badIpHeader',
  },
  {
    rule: 'a total length below the header length',
    bytes: changed((b) => b.set([0, 19], 2)),
    drop: 'badIpHeader',
  },
  { rule: 'a total length beyond what came', bytes: packet().subarray(0, 34), drop: 'truncated' },
  {
    rule: 'a header length beyond what came',
    bytes: changed((b) => b.set([0x4f])),
    drop: 'badIpHeader',
  },
  { rule: 'RFC 1122 §3.2.1.2 a bad header checksum', bytes: spoilt(8), drop: 'badIpChecksum' },
  { rule: 'a first fragment', bytes: changed((b) => b.set([0x20, 0], 6)), drop: 'fragment' },
  { rule: 'a later fragment', bytes: changed((b) => b.set([0, 3], 6)), drop: 'fragment' },
  { rule: 'TCP', bytes: changed((b) => b.set([6], 9)), drop: 'notUdp' },
  {
    rule: 'no room for a UDP header',
    bytes: changed((b) => b.set([0, 27], 2)),
    drop: 'badUdpLength',
  },
  {
    rule: 'RFC 768 a UDP length below 8',
    bytes: changed((b) => b.set([0, 7], 24)),
    drop: 'badUdpLength',
  },
  {
    rule: 'a UDP length beyond the IP packet',
    bytes: changed((b) => b.set([0, 16], 24)),
    drop: 'badUdpLength',
  },
  {
    rule: 'RFC 1122 §4.1.3.4 a bad UDP checksum',
    bytes: spoilt(HEADERS_LENGTH),
    drop: 'badUdpChecksum',
  },
  {
    rule: 'RFC 768 addresses count: another destination',
    bytes: changed((b) => b.set([9], 19)),
    drop: 'badUdpChecksum',
  },
];

function spoilt(at: number): Uint8Array {
  const bytes = packet();
  bytes[at]! ^= 1;
  return bytes;
}

describe('parseDatagram drops', () => {
  for (const { rule, bytes, drop } of DROPS) {
    test(`${rule}: ${drop}`, () => assert.equal(parse(bytes), drop));
  }

  test('every drop has its row', () => {
    const all: Record<DatagramDrop, true> = {
      notIpv4: true,
      truncated: true,
      badIpHeader: true,
      badIpChecksum: true,
      fragment: true,
      notUdp: true,
      badUdpLength: true,
      badUdpChecksum: true,
    };
    assert.deepEqual([...new Set(DROPS.map(({ drop }) => drop))].sort(), Object.keys(all).sort());
  });
});

describe('parseDatagram takes', () => {
  const want = {
    source: SOURCE,
    destination: DESTINATION,
    sourcePort: 67,
    destinationPort: 68,
    payloadAt: 28,
    end: 35,
  };

  for (const [rule, bytes, partial, extra] of [
    ['a plain datagram', packet(), false, {}],
    ['do not fragment', changed((b) => b.set([0x40, 0], 6)), false, {}],
    ['RFC 894 padding up to 60 octets is not part of it', padded(packet(), 46), false, {}],
    [
      'RFC 768 a checksum of zero: the sender made none',
      changed((b) => b.set([0, 0, 0], 26)),
      false,
      {},
    ],
    [
      'a checksum that hardware is still to finish',
      changed((b) => b.set([0x12, 0x34], 26)),
      true,
      {},
    ],
    [
      'octets between the UDP length and the total length are not part of it',
      changed((b) => b.set([0, 0x0e, 0, 0], 24)),
      false,
      { end: 34 },
    ],
    [
      'RFC 791 §3.1 options make the header longer',
      withOptions(packet()),
      false,
      { payloadAt: 32, end: 39 },
    ],
  ] as const) {
    test(`${rule}`, () =>
      assert.deepEqual({ ...(parse(bytes, partial) as Datagram) }, { ...want, ...extra }));
  }

  test('RFC 768 a sum that comes out as zero is sent as all ones, and verifies', () => {
    const payload = Uint8Array.of(0, 0);
    const bytes = packet(payload);
    const checksum = (bytes[26]! << 8) | bytes[27]!;
    // The checksum of a payload of zeros, as the payload, makes the sum all ones.
    payload.set([checksum >>> 8, checksum & 255]);
    const ones = packet(payload);
    assert.deepEqual([...ones.subarray(26, 28)], [255, 255]);
    assert.ok(parse(ones) instanceof Datagram);
  });

  test('without the mark an unfinished checksum is a wrong one', () => {
    assert.equal(parse(changed((b) => b.set([0x12, 0x34], 26))), 'badUdpChecksum');
  });
});

describe('property:', () => {
  test('what is written anywhere, for a payload anywhere, is read again', () => {
    const address = fc.nat(0xffffffff).map((n) => n as Ipv4);
    const port = fc.nat(65535);
    const written = fc.tuple(
      address,
      port,
      address,
      port,
      fc.uint8Array({ maxLength: 600 }),
      fc.nat(40),
    );
    fc.assert(
      fc.property(written, ([source, sourcePort, destination, destinationPort, payload, gap]) => {
        const bytes = new Uint8Array(gap + HEADERS_LENGTH + 700).fill(0xa5);
        const payloadAt = gap + HEADERS_LENGTH + 3;
        const payloadEnd = payloadAt + payload.length;
        bytes.set(payload, payloadAt);
        writeHeaders(
          bytes,
          gap,
          source,
          sourcePort,
          destination,
          destinationPort,
          payloadAt,
          payloadEnd,
        );
        assert.ok(bytes.subarray(0, gap).every((octet) => octet === 0xa5));
        assert.deepEqual(bytes.subarray(payloadAt, payloadEnd), payload);
        assert.deepEqual([...bytes.subarray(payloadAt - 3, payloadAt)], [0xa5, 0xa5, 0xa5]);
        bytes.copyWithin(gap + HEADERS_LENGTH, payloadAt, payloadEnd);
        const end = gap + HEADERS_LENGTH + payload.length;
        const datagram = new Datagram();
        assert.equal(parseDatagram(datagram, bytes, gap, end, false), null);
        const payloadNow = gap + HEADERS_LENGTH;
        assert.deepEqual(
          { ...datagram },
          { source, sourcePort, destination, destinationPort, payloadAt: payloadNow, end },
        );
      }),
    );
  });

  test('it takes exactly what the decoders of IP and UDP take', () => {
    const change = fc.tuple(fc.nat(63), fc.nat(255));
    const mutant = fc.tuple(
      fc.uint8Array({ maxLength: 32 }),
      fc.array(change, { maxLength: 2 }),
      fc.nat(8),
      fc.boolean(),
    );
    fc.assert(
      fc.property(mutant, ([payload, changes, cut, mend]) => {
        const spoil = (b: Uint8Array) => {
          for (const [at, octet] of changes) if (at < b.length) b[at] = octet;
        };
        let bytes = packet(payload);
        if (mend) bytes = changed(spoil, bytes);
        else spoil(bytes);
        bytes = bytes.subarray(0, bytes.length - cut);
        assert.equal(parse(bytes) instanceof Datagram, isWholeUdp(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test('no octets make it throw or look beyond their end', () => {
    const header = fc.constant(Uint8Array.of(0x45, 0, 0, 40));
    const octets = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(fc.option(header), octets, fc.boolean(), (begin, rest, partial) => {
        const bytes = Uint8Array.of(...(begin ?? []), ...rest);
        const found = parse(bytes, partial);
        if (found instanceof Datagram)
          assert.ok(found.payloadAt <= found.end && found.end <= bytes.length);
      }),
    );
  });
});

test('headers: time to live 64, low delay, may be fragmented, no identification', () => {
  const header = [...packet().subarray(0, 10)];
  assert.deepEqual(header, [0x45, 0x10, 0, 35, 0, 0, 0, 0, 64, 17]);
  const bytes = new Uint8Array(28);
  writeHeaders(bytes, 0, UNSPECIFIED, 68, LIMITED_BROADCAST, 67, 28, 28);
  assert.deepEqual(
    [...bytes.subarray(12, 26)],
    [0, 0, 0, 0, 255, 255, 255, 255, 0, 68, 0, 67, 0, 8],
  );
});

test('property: headers with a checksum left to the sender are the others but for that checksum', () => {
  const address = fc.nat(0xffffffff).map((n) => n as Ipv4);
  const ends = fc.tuple(address, fc.nat(65535), address, fc.nat(65535));
  fc.assert(
    fc.property(ends, fc.uint8Array({ maxLength: 600 }), (four, payload) => {
      const whole = Uint8Array.of(...new Uint8Array(HEADERS_LENGTH), ...payload);
      const partial = whole.slice();
      writeHeaders(whole, 0, ...four, HEADERS_LENGTH, whole.length);
      writePartialHeaders(partial, 0, ...four, payload.length);
      // RFC 1071 §1: what hardware does, which sums the field as it is.
      const checksum = checksumOf(sumOf(partial, UDP_AT, partial.length, 0)) || 0xffff;
      partial.set([checksum >>> 8, checksum & 255], UDP_AT + 6);
      assert.deepEqual(partial, whole);
    }),
  );
});

function isWholeUdp(bytes: Uint8Array): boolean {
  const packet = decodeIp(bytes);
  if (typeof packet === 'string' || packet.protocol !== IP_PROTOCOL.UDP) return false;
  if (packet.moreFragments || packet.fragmentOffset > 0) return false;
  return typeof decodeUdp(packet.payload, packet.source, packet.destination) !== 'string';
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const longer = new Uint8Array(length).fill(0xee);
  longer.set(bytes);
  return longer;
}

/** With a router alert option (RFC 2113). */
function withOptions(bytes: Uint8Array): Uint8Array {
  const longer = new Uint8Array(bytes.length + 4);
  longer.set(bytes.subarray(0, 20));
  longer.set([0x94, 4, 0, 0], 20);
  longer.set(bytes.subarray(20), 24);
  return changed((b) => b.set([0x46, 0x10, 0, longer.length]), longer);
}
