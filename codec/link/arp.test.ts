import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ipv4 } from '../ipv4.ts';
import { ARP_LENGTH, arpProbe, decodeArp, writeArp } from './arp.ts';
import { decodeEcho, encodeEcho, ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST } from './icmp.ts';

const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
const address = fc.nat(0xffffffff).map((n) => n as Ipv4);

test('what is written as ARP is read again', () => {
  const fields = {
    operation: fc.constantFrom(1, 2),
    senderHardware: mac,
    sender: address,
    targetHardware: mac,
    target: address,
  };
  const arp = fc.record(fields, { noNullPrototype: true });
  fc.assert(
    fc.property(arp, fc.nat(8), (value, at) => {
      const bytes = new Uint8Array(at + ARP_LENGTH + 18);
      writeArp(bytes, at, value);
      assert.deepEqual(decodeArp(bytes, at, bytes.length), value);
    }),
  );
});

test('no bytes make the ARP decoder throw, and cut-off ones are no ARP', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const arp = decodeArp(bytes, 0, bytes.length);
      if (bytes.length < ARP_LENGTH) assert.equal(arp, null);
    }),
  );
});

test('RFC 5227 §2.1.1 a probe claims no address', () => {
  const probe = arpProbe(Uint8Array.of(2, 0, 0, 0, 0, 1), 0xc0000209 as Ipv4);
  const bytes = new Uint8Array(ARP_LENGTH);
  writeArp(bytes, 0, probe);
  assert.equal(
    Buffer.from(bytes).toString('hex'),
    '0001080006040001' + '020000000001' + '00000000' + '000000000000' + 'c0000209',
  );
});

test('an echo request and its reply are read from a packet', () => {
  const header = Uint8Array.of(0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2);
  for (const type of [ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY]) {
    const echo = { type, identifier: 0x1234, sequence: 7 };
    const packet = Buffer.concat([header, encodeEcho(echo)]);
    assert.deepEqual(decodeEcho(packet), echo);
    packet[27]! ^= 1;
    assert.equal(decodeEcho(packet), null, 'a wrong checksum');
  }
});

test('no bytes make the ICMP decoder throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void decodeEcho(bytes)));
});
