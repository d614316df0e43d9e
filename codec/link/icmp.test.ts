import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  decodeEcho,
  decodeIcmp,
  encodeEcho,
  encodeIcmp,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_UNREACHABLE,
  type IcmpFault,
} from './icmp.ts';

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('decodeIcmp', () => {
  test('RFC 792 each field of an echo request is where it is', () => {
    const request = {
      type: ICMP_ECHO_REQUEST,
      identifier: 0x1234,
      sequence: 7,
      data: Uint8Array.of(1, 2, 3),
    };
    const bytes = bytesOf('0800 e1c2 1234 0007 0102 03');
    assert.deepEqual(decodeIcmp(bytes), request);
    assert.deepEqual(encodeIcmp(request), bytes);
  });

  test('RFC 1191 §4 "fragmentation needed" tells the MTU of the next hop', () => {
    const message = { type: ICMP_UNREACHABLE, code: 4, mtu: 1400, quote: bytesOf('4500') };
    const bytes = bytesOf('0304 b283 0000 0578 4500');
    assert.deepEqual(decodeIcmp(bytes), message);
    assert.deepEqual(encodeIcmp(message), bytes);
  });

  for (const [rule, hex, fault] of [
    ['nothing', '', 'truncated'],
    ['cut off within the header', '0800 e5ce 1234 00', 'truncated'],
    ['RFC 1122 §3.2.2 one bit changed', '0800 e1c2 1234 0006 0102 03', 'badChecksum'],
    ['a redirect', '0501 faf6 0000 0008', 'unknownType'],
    ['an echo request with a code', '0801 f7fe 0000 0000', 'unknownType'],
  ] as const satisfies readonly (readonly [string, string, IcmpFault])[]) {
    test(`${rule}: ${fault}`, () => assert.equal(decodeIcmp(bytesOf(hex)), fault));
  }

  const u16 = fc.nat(65535);
  const data = fc.uint8Array({ maxLength: 64 });
  const record = { noNullPrototype: true } as const;
  const echo = fc.record(
    {
      type: fc.constantFrom(ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST),
      identifier: u16,
      sequence: u16,
      data,
    },
    record,
  );
  const unreachable = fc.record(
    { type: fc.constant(ICMP_UNREACHABLE), code: fc.nat(255), mtu: u16, quote: data },
    record,
  );

  test('property: decode after encode is the same', () => {
    fc.assert(
      fc.property(fc.oneof(echo, unreachable), (message) =>
        assert.deepEqual(decodeIcmp(encodeIcmp(message)), message),
      ),
    );
  });

  test('property: no octets make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        decodeIcmp(bytes);
        decodeEcho(Uint8Array.of(0x45, ...bytes));
      }),
    );
  });
});

describe('decodeEcho', () => {
  const header = Uint8Array.of(0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2);

  for (const type of [ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY]) {
    test(`type ${type} is read from a packet, and not with a wrong checksum`, () => {
      const echo = { type, identifier: 0x1234, sequence: 7 };
      const packet = Buffer.concat([header, encodeEcho(echo)]);
      assert.deepEqual(decodeEcho(packet), echo);
      packet[27]! ^= 1;
      assert.equal(decodeEcho(packet), null);
    });
  }

  test('another protocol, or another type, is no echo', () => {
    const packet = Buffer.concat([header, encodeEcho({ type: 0, identifier: 1, sequence: 1 })]);
    packet[9] = 17;
    assert.equal(decodeEcho(packet), null);
    const quote = new Uint8Array();
    const error = encodeIcmp({ type: ICMP_UNREACHABLE, code: 1, mtu: 0, quote });
    assert.equal(decodeEcho(Buffer.concat([header, error])), null);
  });
});
