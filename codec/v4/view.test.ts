import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Ipv4 } from '../ipv4.ts';
import * as H from './header.ts';
import { MessageView } from './view.ts';

const view = new MessageView();

/** A message whose options field is exactly `options`, in the middle of a larger buffer of noise. */
function message(options: readonly number[], room = 64): { bytes: Buffer; end: number } {
  const bytes = Buffer.alloc(10 + H.OPTIONS + options.length + room, 0xee);
  bytes.fill(0, 10, 10 + H.OPTIONS);
  bytes[10] = H.BOOTREQUEST;
  bytes.writeUInt32BE(H.MAGIC_COOKIE, 10 + H.COOKIE);
  bytes.set(options, 10 + H.OPTIONS);
  return { bytes, end: 10 + H.OPTIONS + options.length };
}

function viewOf(options: readonly number[], room?: number): MessageView {
  const { bytes, end } = message(options, room);
  assert.equal(view.over(bytes, 10, end), null);
  view.scan();
  return view;
}

function optionsOf(seen: MessageView): number[] {
  return [...seen.bytes.subarray(seen.start + H.OPTIONS, seen.end)];
}

describe('over', () => {
  for (const [rule, length, want] of [
    ['nothing at all is short', 0, 'short'],
    ['one octet less than the fixed part is short', 235, 'short'],
    ['the fixed part alone is BOOTP', 236, null],
    ['half a cookie is BOOTP', 239, null],
    ['more than UDP carries is long', 65508, 'long'],
  ] as const) {
    test(rule, () => {
      assert.equal(view.over(Buffer.alloc(length), 0, length), want);
      if (want === null) assert.equal(view.hasCookie, false);
    });
  }

  test('plain BOOTP has no options, and none can be appended', () => {
    const bytes = Buffer.alloc(400, 7);
    assert.equal(view.over(bytes, 0, 300), null);
    view.scan();
    assert.deepEqual(
      [view.messageType, view.endAt, view.relayInformationAt, view.optionsFault, view.at(7)],
      [0, -1, -1, null, -1],
    );
    assert.equal(view.append(Buffer.of(82, 0), 1000), false);
    assert.deepEqual(bytes, Buffer.alloc(400, 7));
  });
});

describe('scan', () => {
  for (const [rule, options, want] of [
    ['END ends the options', [53, 1, 1, 255], { type: 1, end: 3, fault: null }],
    ['pad has no length octet', [0, 0, 53, 1, 3, 0, 255], { type: 3, end: 6, fault: null }],
    ['what follows END is not looked at', [255, 53, 1, 5], { type: 0, end: 0, fault: null }],
    ['no END', [53, 1, 5], { type: 5, end: 3, fault: 'noEnd' }],
    ['pad up to the last octet and no END', [53, 1, 5, 0], { type: 5, end: 4, fault: 'noEnd' }],
    ['no options field at all', [], { type: 0, end: 0, fault: 'noEnd' }],
    ['a code without a length', [53, 1, 5, 12], { type: 5, end: 3, fault: 'truncated' }],
    ['data shorter than said', [53, 1, 5, 12, 3, 1, 2], { type: 5, end: 3, fault: 'truncated' }],
    ['an option of length 0', [80, 0, 255], { type: 0, end: 2, fault: null }],
    ['option 53 of a wrong length', [53, 2, 1, 1, 255], { type: 0, end: 4, fault: null }],
    ['the first option 53 counts', [53, 1, 2, 53, 1, 6, 255], { type: 2, end: 6, fault: null }],
  ] as const) {
    test(rule, () => {
      const seen = viewOf(options);
      assert.deepEqual(
        { type: seen.messageType, end: seen.endAt - 250, fault: seen.optionsFault },
        want,
      );
    });
  }

  test('the last option 82 is the one reported, the first is what at() finds', () => {
    const seen = viewOf([82, 1, 9, 53, 1, 1, 82, 2, 1, 0, 255]);
    assert.equal(seen.relayInformationAt, 250 + 6);
    assert.equal(seen.at(82), 250);
    assert.equal(seen.repeated, true);
  });

  test('overload is told, so that callers know to decode', () => {
    assert.equal(viewOf([52, 1, 3, 255]).overload, 3);
    assert.equal(viewOf([53, 1, 3, 255]).overload, 0);
  });

  test('nothing of the message before is left', () => {
    viewOf([82, 1, 9, 52, 1, 1, 50, 4, 10, 0, 0, 1, 50, 0]);
    const seen = viewOf([255]);
    assert.deepEqual(
      [seen.at(82), seen.at(50), seen.relayInformationAt, seen.repeated, seen.overload],
      [-1, -1, -1, false, 0],
    );
  });

  test('at() looks by itself after over(), also for the 70,000th message', () => {
    const one = message([50, 4, 192, 0, 2, 1, 255]);
    const other = message([51, 4, 0, 0, 0, 9, 255]);
    for (let i = 0; i < 70_000; i++) {
      const { bytes, end } = i % 2 === 0 ? one : other;
      view.over(bytes, 10, end);
      assert.equal(view.at(50), i % 2 === 0 ? 250 : -1);
      assert.equal(view.u32(51), i % 2 === 0 ? -1 : 9);
    }
    assert.equal(viewOf([51, 3, 0, 0, 9, 255]).u32(51), -1);
  });

  test('an option that one message had is not found in any of the next 70,000', () => {
    viewOf([99, 0, 255]);
    const { bytes, end } = message([53, 1, 1, 255]);
    for (let i = 0; i < 70_000; i++) {
      view.over(bytes, 10, end);
      assert.equal(view.at(99), -1);
    }
  });
});

describe('append', () => {
  const OPTION = Buffer.of(82, 3, 1, 1, 7);
  for (const [rule, options, want] of [
    ['before END', [53, 1, 1, 255], [53, 1, 1, 82, 3, 1, 1, 7, 255]],
    [
      'the pad after END goes',
      [53, 1, 1, 255, 0, 0, 0, 0, 0, 0, 0, 0],
      [53, 1, 1, 82, 3, 1, 1, 7, 255],
    ],
    ['the pad before END stays', [0, 0, 255], [0, 0, 82, 3, 1, 1, 7, 255]],
    ['a missing END is made up for', [53, 1, 1], [53, 1, 1, 82, 3, 1, 1, 7, 255]],
    ['after an option 82 that is there', [82, 0, 255], [82, 0, 82, 3, 1, 1, 7, 255]],
  ] as const) {
    test(rule, () => {
      const seen = viewOf(options);
      assert.equal(seen.append(OPTION, 1000), true);
      assert.deepEqual(optionsOf(seen), want);
      const found = [seen.relayInformationAt, seen.endAt, seen.optionsFault];
      seen.scan();
      assert.deepEqual([seen.relayInformationAt, seen.endAt, seen.optionsFault], found);
      assert.equal(seen.relayInformationAt, seen.end - 6);
    });
  }

  for (const [rule, options, limit, room] of [
    ['RFC 3046 §2.1: not beyond the limit', [53, 1, 1, 255], 248, 64],
    ['not beyond the buffer', [53, 1, 1, 255], 1000, 4],
    ['not after a truncated option', [53, 1, 1, 12, 9, 255], 1000, 64],
  ] as const) {
    test(`refuses: ${rule}`, () => {
      const seen = viewOf(options, room);
      const before = Buffer.from(seen.bytes);
      assert.equal(seen.append(OPTION, limit), false);
      assert.deepEqual(seen.bytes, before);
      assert.equal(optionsOf(seen).length, options.length);
    });
  }

  test('takes an option that just fits', () => {
    assert.equal(viewOf([53, 1, 1, 255]).append(OPTION, 249), true);
    assert.equal(viewOf([53, 1, 1, 255], 5).append(OPTION, 1000), true);
  });
});

describe('remove', () => {
  test('what follows stays byte for byte, pad and unknown octets after END included', () => {
    const seen = viewOf([53, 1, 2, 82, 2, 1, 0, 224, 1, 9, 255, 0, 77, 0]);
    seen.remove(seen.relayInformationAt);
    assert.deepEqual(optionsOf(seen), [53, 1, 2, 224, 1, 9, 255, 0, 77, 0]);
    assert.equal(seen.relayInformationAt, -1);
  });

  test('of two option 82 one stays', () => {
    const seen = viewOf([82, 1, 5, 82, 1, 6, 255]);
    seen.remove(seen.relayInformationAt);
    assert.deepEqual(optionsOf(seen), [82, 1, 5, 255]);
    assert.equal(seen.relayInformationAt, 250);
  });

  test('what is no option is our bug', () => {
    const seen = viewOf([53, 1, 2, 255, 0]);
    assert.throws(() => seen.remove(-1));
    assert.throws(() => seen.remove(seen.endAt));
  });
});

describe('padTo', () => {
  test('RFC 1542 §2.1: zeros up to 300 octets, never beyond the limit, never shorter', () => {
    const seen = viewOf([255], 400);
    seen.padTo(300, 280);
    assert.equal(seen.length, 280);
    seen.padTo(300, 1000);
    assert.equal(seen.length, 300);
    assert.deepEqual(optionsOf(seen), [255, ...new Array(59).fill(0)]);
    seen.padTo(240, 1000);
    assert.equal(seen.length, 300);
  });
});

const OPTION_LIST = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 30 })),
  { maxLength: 12 },
);
const tlv = (options: readonly (readonly [number, Uint8Array])[]) =>
  options.flatMap(([code, data]) => [code, data.length, ...data]);

describe('edits change only what they name', () => {
  test('every setter changes its own octets and no other', () => {
    const fields = [
      ['op', 0, 1],
      ['htype', 1, 1],
      ['hlen', 2, 1],
      ['hops', 3, 1],
      ['xid', 4, 4],
      ['secs', 8, 2],
      ['flags', 10, 2],
      ['ciaddr', 12, 4],
      ['yiaddr', 16, 4],
      ['siaddr', 20, 4],
      ['giaddr', 24, 4],
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...fields),
        fc.uint8Array({ minLength: 260, maxLength: 260 }),
        fc.nat(0xffffffff),
        ([field, offset, size], noise, random) => {
          const bytes = Buffer.from(noise);
          const value = size === 4 ? random : random % 256 ** size;
          view.over(bytes, 7, 250);
          view[field] = value as Ipv4;
          assert.equal(view[field], value);
          bytes.writeUIntBE(0, 7 + offset, size);
          const before = Buffer.from(noise);
          before.writeUIntBE(0, 7 + offset, size);
          assert.deepEqual(bytes, before);
        },
      ),
    );
  });

  test('remove undoes append', () => {
    fc.assert(
      fc.property(OPTION_LIST, fc.uint8Array({ maxLength: 60 }), (options, data) => {
        const seen = viewOf([...tlv(options), 255], 400);
        const before = Buffer.from(seen.bytes.subarray(seen.start, seen.end));
        assert.equal(seen.append(Buffer.from([82, data.length, ...data]), 1500), true);
        seen.remove(seen.relayInformationAt);
        assert.deepEqual(seen.bytes.subarray(seen.start, seen.end), before);
      }),
    );
  });

  test('remove takes out one option of many and nothing else', () => {
    fc.assert(
      fc.property(
        OPTION_LIST.filter((o) => o.length > 0),
        fc.nat(),
        (options, random) => {
          const victim = random % options.length;
          const at = 250 + tlv(options.slice(0, victim)).length;
          const seen = viewOf([...tlv(options), 255]);
          seen.remove(at);
          assert.deepEqual(optionsOf(seen), [...tlv(options.filter((_, i) => i !== victim)), 255]);
        },
      ),
    );
  });
});

describe('scan is total', () => {
  test('at() finds the first of each code', () => {
    fc.assert(
      fc.property(OPTION_LIST, (options) => {
        const seen = viewOf([...tlv(options), 255]);
        for (let code = 1; code < 255; code++) {
          const first = options.findIndex(([c]) => c === code);
          const want = first < 0 ? -1 : 250 + tlv(options.slice(0, first)).length;
          assert.equal(seen.at(code), want);
        }
      }),
    );
  });

  test('no input throws, and no octet outside the message is read or written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 80 }), fc.nat(255), (options, noise) => {
        const { bytes, end } = message([...options]);
        bytes.fill(noise, end);
        const seen = viewOf([...options]);
        const inside = [seen.messageType, seen.endAt, seen.relayInformationAt, seen.optionsFault];
        view.over(bytes, 10, end);
        view.scan();
        assert.deepEqual(
          [view.messageType, view.endAt, view.relayInformationAt, view.optionsFault],
          inside,
        );
        assert.ok(view.endAt <= end);
        view.append(Buffer.of(82, 1, 1), end - 10 + 4);
        assert.ok(view.end <= end + 4);
        assert.deepEqual(bytes.subarray(end + 4), Buffer.alloc(60, noise));
      }),
    );
  });
});

test('180,000 messages allocate nothing', () => {
  const { bytes, end } = message([53, 1, 1, 12, 1, 97, 82, 2, 1, 0, 255], 64);
  const option = Buffer.of(82, 3, 1, 1, 7);
  let sum = 0;
  const work = (count: number) => {
    for (let i = 0; i < count; i++) {
      view.over(bytes, 10, end);
      view.scan();
      sum += view.messageType + view.at(12) + view.u32(50);
      view.append(option, 1000);
      view.remove(view.relayInformationAt);
    }
  };
  work(50_000); // By now it is compiled; of what the compiler itself takes the median knows nothing.
  const rounds = Array.from({ length: 9 }, () => {
    const before = process.memoryUsage().heapUsed;
    work(20_000);
    return (process.memoryUsage().heapUsed - before) / 20_000;
  });
  const perMessage = rounds.sort((a, b) => a - b)[4]!;
  assert.ok(perMessage < 4, `${perMessage} octets a message`);
  assert.ok(sum > 0);
});
