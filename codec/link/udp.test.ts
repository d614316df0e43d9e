import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Ipv4, parseIpv4 } from '../ipv4.ts';
import { HEADERS_LENGTH, writeHeaders } from './datagram.ts';
import { decodeUdp, encodeUdp, type UdpFault } from './udp.ts';

const ip = (text: string): Ipv4 => parseIpv4(text) ?? assert.fail(text);
const [SOURCE, DESTINATION] = [ip('10.0.0.1'), ip('10.0.0.2')];
const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const SAMPLE = '0044 0043 000b 26ec 6162 63';

describe('decodeUdp', () => {
  test('RFC 768 each field is where it is', () => {
    const datagram = decodeUdp(bytesOf(`${SAMPLE} ee`), SOURCE, DESTINATION);
    assert.ok(typeof datagram !== 'string', String(datagram));
    const { payload, sourcePort, destinationPort } = datagram;
    assert.deepEqual(
      [sourcePort, destinationPort, Buffer.from(payload).toString()],
      [68, 67, 'abc'],
    );
    assert.deepEqual(encodeUdp(datagram), bytesOf(SAMPLE));
  });

  for (const [rule, hex, fault] of [
    ['nothing', '', 'truncated'],
    ['a header cut off', '0044 0043 000b 26', 'truncated'],
    ['a length below the header', '0044 0043 0007 0000', 'badLength'],
    ['a length beyond what came', '0044 0043 0009 0000', 'badLength'],
    ['RFC 1122 §4.1.3.4 one bit changed', '0044 0042 000b 26ec 6162 63', 'badChecksum'],
  ] as const satisfies readonly (readonly [string, string, UdpFault])[]) {
    test(`${rule}: ${fault}`, () =>
      assert.equal(decodeUdp(bytesOf(hex), SOURCE, DESTINATION), fault));
  }

  test('RFC 768 no checksum, no check', () => {
    assert.ok(
      typeof decodeUdp(bytesOf('0044 0043 000b 0000 6162 63'), SOURCE, DESTINATION) !== 'string',
    );
  });

  test('RFC 768 the addresses count: for another destination it is wrong', () => {
    assert.equal(decodeUdp(bytesOf(SAMPLE), SOURCE, ip('10.0.0.3')), 'badChecksum');
  });

  const address = fc.nat(0xffffffff).map((n) => n as Ipv4);
  const datagrams = fc.record(
    {
      source: address,
      sourcePort: fc.nat(65535),
      destination: address,
      destinationPort: fc.nat(65535),
      payload: fc.uint8Array({ maxLength: 64 }),
    },
    { noNullPrototype: true },
  );

  test('property: decode after encode is the same, and the octets are those of writeHeaders', () => {
    fc.assert(
      fc.property(datagrams, (datagram) => {
        const { source, sourcePort, destination, destinationPort, payload } = datagram;
        const bytes = encodeUdp(datagram);
        assert.deepEqual(decodeUdp(bytes, source, destination), datagram);
        const packet = new Uint8Array(HEADERS_LENGTH + payload.length);
        packet.set(payload, HEADERS_LENGTH);
        writeHeaders(
          packet,
          0,
          source,
          sourcePort,
          destination,
          destinationPort,
          HEADERS_LENGTH,
          packet.length,
        );
        assert.deepEqual(packet.subarray(20), bytes);
      }),
    );
  });

  test('property: no octets make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const datagram = decodeUdp(bytes, SOURCE, DESTINATION);
        if (typeof datagram !== 'string') assert.ok(datagram.payload.length <= bytes.length - 8);
      }),
    );
  });
});
