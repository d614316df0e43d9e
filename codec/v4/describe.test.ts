import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ipv4 } from '../ipv4.ts';
import { describe, describeBytes } from './describe.ts';
import type { Message } from './message.ts';

const DISCOVER: Message = {
  op: 1,
  htype: 1,
  hops: 0,
  xid: 0xa,
  secs: 0,
  flags: 0,
  ciaddr: 0 as Ipv4,
  yiaddr: 0 as Ipv4,
  siaddr: 0 as Ipv4,
  giaddr: 0 as Ipv4,
  chaddr: Uint8Array.of(2, 0, 0, 0, 0, 10),
  sname: new Uint8Array(),
  file: new Uint8Array(),
  hasCookie: true,
  options: [{ code: 53, data: Uint8Array.of(1) }],
};
const HEAD = 'DISCOVER from 02:00:00:00:00:0a xid 0x0000000a';
const withOption = (code: number, ...data: number[]): Message => ({
  ...DISCOVER,
  options: [...DISCOVER.options, { code, data: Uint8Array.from(data) }],
});

for (const [rule, message, want] of [
  ['what is zero is not told', DISCOVER, HEAD],
  ['a reply goes to somebody', { ...DISCOVER, op: 2 }, HEAD.replace('from', 'to')],
  ['an op nobody knows', { ...DISCOVER, op: 7 }, HEAD.replace('DISCOVER', 'op 7')],
  ['no option 53 is BOOTP', { ...DISCOVER, options: [] }, HEAD.replace('DISCOVER', 'BOOTP')],
  [
    'a message type nobody knows',
    { ...DISCOVER, options: [{ code: 53, data: Uint8Array.of(99) }] },
    HEAD.replace('DISCOVER', 'TYPE 99'),
  ],
  [
    'an identifier that is the hardware address is not told again',
    withOption(61, 1, 2, 0, 0, 0, 0, 10),
    HEAD,
  ],
  [
    'an identifier that is another address is',
    withOption(61, 1, 2, 0, 0, 0, 0, 11),
    `${HEAD}, clientIdentifier 02:00:00:00:00:0b`,
  ],
  [
    'of another hardware type too',
    withOption(61, 6, 2, 0, 0, 0, 0, 10),
    `${HEAD}, clientIdentifier 6/02:00:00:00:00:0a`,
  ],
  ['an option that is only there', withOption(80), `${HEAD}, rapidCommit`],
  ['an option nobody has registered', withOption(96, 1), `${HEAD}, option96 0x01`],
  [
    'a long value is cut',
    withOption(12, ...new Array(200).fill(0x61)),
    `${HEAD}, hostName "${'a'.repeat(119)}...`,
  ],
  ['flags other than broadcast are not told', { ...DISCOVER, flags: 0x7fff }, HEAD],
  [
    'every field that is set',
    {
      ...DISCOVER,
      hops: 1,
      secs: 2,
      flags: 0x8000,
      ciaddr: 1 as Ipv4,
      yiaddr: 2 as Ipv4,
      siaddr: 3 as Ipv4,
      giaddr: 4 as Ipv4,
      sname: Uint8Array.of(0x73),
      file: Uint8Array.of(0x66, 0xff),
    },
    `${HEAD}, ciaddr 0.0.0.1, yiaddr 0.0.0.2, siaddr 0.0.0.3, via 0.0.0.4, hops 1, secs 2, broadcast, sname "s", file 0x66ff`,
  ],
] as const) {
  test(rule, () => assert.equal(describe(message), want));
}

test('the name of the host comes first, what is asked for and the relay come last', () => {
  const options = [
    { code: 82, data: Uint8Array.of(1, 1, 0x61) },
    { code: 55, data: Uint8Array.of(1, 3) },
    { code: 57, data: Uint8Array.of(5, 0xdc) },
    { code: 12, data: Uint8Array.of(0x61) },
  ];
  assert.match(
    describe({ ...DISCOVER, options }),
    /hostName "a", maxMessageSize 1500, asks for subnetMask,routers, relayInformation \{circuitId "a"\}$/,
  );
});

test('no octets make it throw or break the line', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(3), (options, overload) => {
      const bytes = Buffer.concat([
        Buffer.alloc(236, 'a\n'),
        Buffer.from([99, 130, 83, 99, 52, 1, overload]),
        options,
      ]);
      assert.doesNotMatch(describeBytes(bytes), /\p{Cc}/u);
    }),
  );
});
