import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatIpv4, type Ipv4 } from '../ipv4.ts';
import { decodeIp, decodeIpQuote, encodeIp, type IpFault } from './ip.ts';

// A packet from 172.16.10.99 to 172.16.10.12, as captured, cut to two octets of its payload.
const SAMPLE = '4500 0016 1c46 4000 4006 b20c ac10 0a63 ac10 0a0c 1234';
const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

test('RFC 791 §3.1 each field is where it is', () => {
  const packet = decodeIp(bytesOf(`${SAMPLE} 0000`));
  assert.ok(typeof packet !== 'string', String(packet));
  const { source, destination, options, payload, ...rest } = packet;
  assert.deepEqual([source, destination].map(formatIpv4), ['172.16.10.99', '172.16.10.12']);
  assert.deepEqual(rest, {
    tos: 0,
    identification: 0x1c46,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: 6,
  });
  assert.equal(options.length, 0);
  assert.deepEqual([...payload], [0x12, 0x34], 'without the padding');
  assert.deepEqual(encodeIp(packet), bytesOf(SAMPLE));
});

describe('decodeIp', () => {
  for (const [rule, hex, fault] of [
    ['nothing', '', 'truncated'],
    ['a header cut off', SAMPLE.slice(0, 40), 'truncated'],
    ['a payload cut off', SAMPLE.slice(0, -2), 'truncated'],
    ['options cut off', `46${SAMPLE.slice(2, 4)} 0018 ${SAMPLE.slice(10, -5)}`, 'truncated'],
    ['IPv6', `6${SAMPLE.slice(1)}`, 'notIpv4'],
    ['a header of four words', `44${SAMPLE.slice(2)}`, 'badHeaderLength'],
    ['a total length below the header', SAMPLE.replace('0016', '0013'), 'badTotalLength'],
    ['one octet changed', SAMPLE.replace('4006', '4007'), 'badChecksum'],
  ] as const satisfies readonly (readonly [string, string, IpFault])[]) {
    test(`${rule}: ${fault}`, () => assert.equal(decodeIp(bytesOf(hex)), fault));
  }

  const address = fc.nat(0xffffffff).map((n) => n as Ipv4);
  const packets = fc.record(
    {
      tos: fc.nat(255),
      identification: fc.nat(65535),
      dontFragment: fc.boolean(),
      moreFragments: fc.boolean(),
      fragmentOffset: fc.nat(0x1fff).map((n) => n * 8),
      ttl: fc.nat(255),
      protocol: fc.nat(255),
      source: address,
      destination: address,
      options: fc.nat(10).chain((n) => fc.uint8Array({ minLength: 4 * n, maxLength: 4 * n })),
      payload: fc.uint8Array({ maxLength: 64 }),
    },
    { noNullPrototype: true },
  );

  test('property: decode after encode is the same', () => {
    fc.assert(
      fc.property(packets, (packet) => assert.deepEqual(decodeIp(encodeIp(packet)), packet)),
    );
  });

  test('property: RFC 1812 §4.3.2.3 what an ICMP error quotes of it is read as far as it goes', () => {
    fc.assert(
      fc.property(packets, fc.nat(64), (packet, length) => {
        const bytes = encodeIp(packet);
        // Each router on the way has lowered the time to live, and not every one mends the checksum in its quote.
        bytes[8] = 1;
        const quoted = bytes.subarray(0, 20 + packet.options.length + length);
        const payload = packet.payload.subarray(0, length);
        assert.deepEqual(decodeIpQuote(quoted), { ...packet, ttl: 1, payload });
      }),
    );
  });

  test('property: no octets make it throw', () => {
    const octets = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(fc.integer({ min: 0x40, max: 0x4f }), octets, (first, rest) => {
        const bytes = Uint8Array.of(first, ...rest);
        for (const decode of [decodeIp, decodeIpQuote]) {
          const packet = decode(bytes);
          if (typeof packet === 'string') continue;
          assert.ok(20 + packet.options.length + packet.payload.length <= bytes.length);
        }
      }),
    );
  });
});
