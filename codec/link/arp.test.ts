import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Ipv4, parseIpv4, UNSPECIFIED } from '../ipv4.ts';
import {
  ARP_LENGTH,
  ARP_REPLY,
  ARP_REQUEST,
  type Arp,
  arpAnnouncement,
  arpProbe,
  arpReply,
  arpRequest,
  conflicts,
  decodeArp,
  deniesProbe,
  writeArp,
} from './arp.ts';

const ip = (text: string): Ipv4 => parseIpv4(text) ?? assert.fail(text);
const OURS = Uint8Array.of(2, 0, 0, 0, 0, 1);
const THEIRS = Uint8Array.of(2, 0, 0, 0, 0, 2);
const [WANTED, OTHER] = [ip('192.0.2.9'), ip('192.0.2.10')];

function written(arp: Arp): Uint8Array {
  const bytes = new Uint8Array(ARP_LENGTH);
  writeArp(bytes, 0, arp);
  return bytes;
}

describe('as octets', () => {
  for (const [rule, arp, hex] of [
    [
      'RFC 5227 §2.1.1 a probe claims no address',
      arpProbe(OURS, WANTED),
      '0001 0800 06 04 0001 020000000001 00000000 000000000000 c0000209',
    ],
    [
      'RFC 5227 §2.3 an announcement has the same address as sender and target',
      arpAnnouncement(OURS, WANTED),
      '0001 0800 06 04 0001 020000000001 c0000209 000000000000 c0000209',
    ],
    [
      'RFC 826 a request asks as the holder of another address',
      arpRequest(OURS, OTHER, WANTED),
      '0001 0800 06 04 0001 020000000001 c000020a 000000000000 c0000209',
    ],
    [
      'RFC 826 a reply swaps the fields and fills in the missing one',
      arpReply(arpRequest(OURS, OTHER, WANTED), THEIRS),
      '0001 0800 06 04 0002 020000000002 c0000209 020000000001 c000020a',
    ],
  ] as const) {
    test(rule, () => {
      const bytes = written(arp);
      assert.equal(Buffer.from(bytes).toString('hex'), hex.replaceAll(' ', ''));
      assert.deepEqual(decodeArp(bytes, 0, bytes.length), arp);
    });
  }

  for (const [rule, at, octets] of [
    ['another kind of hardware', 0, [0, 6]],
    ['another protocol than IPv4', 2, [0x86, 0xdd]],
    ['hardware addresses of eight octets', 4, [8]],
    ['protocol addresses of sixteen octets', 5, [16]],
  ] as const) {
    test(`RFC 826 ${rule}: not ours to read`, () => {
      const bytes = written(arpProbe(OURS, WANTED));
      bytes.set(octets, at);
      assert.equal(decodeArp(bytes, 0, bytes.length), null);
    });
  }

  const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
  const address = fc.nat(0xffffffff).map((n) => n as Ipv4);

  test('property: what is written anywhere is read again, whatever follows', () => {
    const fields = {
      operation: fc.nat(65535),
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

  test('property: no bytes make the decoder throw, and cut-off ones are no ARP', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const arp = decodeArp(bytes, 0, bytes.length);
        if (bytes.length < ARP_LENGTH) assert.equal(arp, null);
      }),
    );
    const whole = written(arpProbe(OURS, WANTED));
    for (let end = 0; end < whole.length; end++) assert.equal(decodeArp(whole, 0, end), null);
  });
});

describe('RFC 5227 whether a packet stands in the way of 192.0.2.9', () => {
  const reply = arpReply(arpRequest(OURS, OTHER, WANTED), THEIRS);
  for (const [rule, arp, denies, conflict] of [
    ['§2.1.1 a reply from its holder', reply, true, true],
    ['§2.1.1 a request from its holder', arpRequest(THEIRS, WANTED, OTHER), true, true],
    ['§2.3 an announcement of it', arpAnnouncement(THEIRS, WANTED), true, true],
    ['§2.1.1 another host probing for it too', arpProbe(THEIRS, WANTED), true, false],
    ['§2.1.1 our own probe, come back', arpProbe(OURS, WANTED), false, false],
    ['§2.4 our own announcement, come back', arpAnnouncement(OURS, WANTED), false, false],
    ['a host that merely looks for it', arpRequest(THEIRS, OTHER, WANTED), false, false],
    ['a probe for another address', arpProbe(THEIRS, OTHER), false, false],
    ['a reply of another address', { ...reply, sender: OTHER }, false, false],
    [
      'a reply addressed to nobody',
      { ...reply, sender: UNSPECIFIED, target: WANTED },
      false,
      false,
    ],
    ['an operation that is neither (RFC 5494)', { ...reply, operation: 8 }, false, false],
  ] as const) {
    test(rule, () => {
      assert.equal(deniesProbe(arp, OURS, WANTED), denies, 'while probing');
      assert.equal(conflicts(arp, OURS, WANTED), conflict, 'while using it');
    });
  }

  test('the operations are those that IANA registered', () => {
    assert.deepEqual([ARP_REQUEST, ARP_REPLY], [1, 2]);
  });
});
