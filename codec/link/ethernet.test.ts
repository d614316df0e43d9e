import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeFrame, ETHERTYPE, type EthernetFault, encodeFrame, tagOf } from './ethernet.ts';

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const HOSTS = 'ffffffffffff 020000000001';

describe('decodeFrame', () => {
  for (const [rule, hex, want] of [
    ['RFC 894 untagged', `${HOSTS} 0800 4500`, { tags: [], type: 0x0800, payload: [0x45, 0] }],
    [
      'IEEE 802.1Q one tag: priority 5, VLAN 10',
      `${HOSTS} 8100 a00a 0800 45`,
      {
        tags: [{ protocol: 0x8100, priority: 5, dropEligible: false, vlan: 10 }],
        type: 0x0800,
        payload: [0x45],
      },
    ],
    [
      'IEEE 802.1ad a provider tag, eligible to be dropped, around a customer tag',
      `${HOSTS} 88a8 1fff 8100 0001 0806`,
      {
        tags: [
          { protocol: 0x88a8, priority: 0, dropEligible: true, vlan: 4095 },
          { protocol: 0x8100, priority: 0, dropEligible: false, vlan: 1 },
        ],
        type: 0x0806,
        payload: [],
      },
    ],
    [
      'padding stays with the payload',
      `${HOSTS} 0806 01 00 00 00`,
      { tags: [], type: 0x0806, payload: [1, 0, 0, 0] },
    ],
  ] as const) {
    test(rule, () => {
      const frame = decodeFrame(bytesOf(hex));
      assert.ok(typeof frame !== 'string');
      const { tags, type, payload } = frame;
      assert.deepEqual({ tags, type, payload: [...payload] }, want);
      assert.deepEqual(frame.destination, new Uint8Array(6).fill(255));
      assert.deepEqual(frame.source, Uint8Array.of(2, 0, 0, 0, 0, 1));
    });
  }

  for (const [rule, hex, fault] of [
    ['nothing', '', 'truncated'],
    ['no type', HOSTS, 'truncated'],
    ['a tag cut off', `${HOSTS} 8100 00`, 'truncated'],
    ['a tag without a type behind it', `${HOSTS} 8100 000a 08`, 'truncated'],
    ['IEEE 802.3 a length instead of a type', `${HOSTS} 05ff aaaa03`, 'lengthNotType'],
    ['tags without end', `${HOSTS} ${'8100 0001'.repeat(5)} 0800`, 'tooManyTags'],
  ] as const satisfies readonly (readonly [string, string, EthernetFault])[]) {
    test(`${rule}: ${fault}`, () => assert.equal(decodeFrame(bytesOf(hex)), fault));
  }
});

describe('property:', () => {
  const tag = fc.record(
    {
      protocol: fc.constantFrom(ETHERTYPE.VLAN, ETHERTYPE.PROVIDER_VLAN),
      priority: fc.nat(7),
      dropEligible: fc.boolean(),
      vlan: fc.nat(4095),
    },
    { noNullPrototype: true },
  );

  test('decode after encode is the same', () => {
    const address = fc.uint8Array({ minLength: 6, maxLength: 6 });
    const frames = fc.record(
      {
        destination: address,
        source: address,
        tags: fc.array(tag, { maxLength: 4 }),
        type: fc.integer({ min: 0x0600, max: 0x80ff }),
        payload: fc.uint8Array({ maxLength: 64 }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(frames, (frame) => assert.deepEqual(decodeFrame(encodeFrame(frame)), frame)),
    );
  });

  test('no octets make it throw', () => {
    const tags = fc.array(fc.constantFrom(0x81, 0x00, 0x88, 0xa8, 0x08), { maxLength: 30 });
    fc.assert(
      fc.property(tags, fc.uint8Array({ maxLength: 30 }), (some, rest) => {
        const frame = decodeFrame(Uint8Array.of(...rest.subarray(0, 12), ...some, ...rest));
        if (typeof frame !== 'string') assert.ok(frame.tags.length <= 4 && frame.type >= 0x0600);
      }),
    );
  });
});

test('the tag that the kernel took off is read from its control information', () => {
  assert.deepEqual(tagOf(ETHERTYPE.VLAN, 0xb064), {
    protocol: 0x8100,
    priority: 5,
    dropEligible: true,
    vlan: 100,
  });
});
