import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Ipv4 } from '../ipv4.ts';
import { encodedLength, encodeMessage } from './encode.ts';
import * as H from './header.ts';
import { utf8 } from './kind.ts';
import { decodeMessage, type Message, messageTypeOf, type Option, optionOf } from './message.ts';

const BLANK: Message = {
  op: 1,
  htype: 1,
  hops: 0,
  xid: 0,
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
  options: [],
};

/** A message of the fixed part and these fields. */
function wire(fields: {
  readonly options?: readonly number[];
  readonly file?: readonly number[];
  readonly sname?: readonly number[];
}): Uint8Array {
  const options = fields.options ?? [255];
  const bytes = Buffer.alloc(H.OPTIONS + options.length);
  bytes.writeUInt32BE(H.MAGIC_COOKIE, H.COOKIE);
  bytes.set(fields.sname ?? [], H.SNAME);
  bytes.set(fields.file ?? [], H.FILE);
  bytes.set(options, H.OPTIONS);
  return bytes;
}

function decoded(bytes: Uint8Array): Message {
  const message = decodeMessage(bytes);
  assert.ok(typeof message !== 'string', `${message}`);
  return message;
}

const option = (code: number, length: number, fill = 1): Option => ({
  code,
  data: new Uint8Array(length).fill(fill),
});

describe('decode: which octets are an option', () => {
  for (const [rule, fields, want] of [
    [
      'RFC 2132 §3.1: pad between options is skipped',
      { options: [0, 53, 1, 1, 0, 0, 12, 1, 97, 255] },
      [
        [53, [1]],
        [12, [97]],
      ],
    ],
    ['a missing END is forgiven', { options: [53, 1, 1] }, [[53, [1]]]],
    ['what follows END is not read', { options: [53, 1, 1, 255, 12, 1, 97] }, [[53, [1]]]],
    ['an option without data', { options: [80, 0, 255] }, [[80, []]]],
    [
      'RFC 3396 §7: pieces are put together in order',
      { options: [15, 2, 97, 98, 53, 1, 1, 15, 1, 99, 255] },
      [
        [15, [97, 98, 99]],
        [53, [1]],
      ],
    ],
    [
      'RFC 2132 §9.3: overload 1 means file',
      { options: [52, 1, 1, 255], file: [12, 1, 97, 255, 9], sname: [12, 1, 98, 255] },
      [[12, [97]]],
    ],
    [
      'RFC 2132 §9.3: overload 2 means sname',
      { options: [52, 1, 2, 255], file: [12, 1, 97, 255], sname: [12, 1, 98, 255] },
      [[12, [98]]],
    ],
    [
      'RFC 2131 §4.1: options, then file, then sname',
      { options: [12, 1, 1, 52, 1, 3, 255], file: [12, 1, 2, 255], sname: [12, 1, 3, 255] },
      [[12, [1, 2, 3]]],
    ],
    [
      'an overloaded field without END',
      { options: [52, 1, 2, 255], sname: [12, 62, ...new Array(62).fill(7)] },
      [[12, new Array(62).fill(7)]],
    ],
    ['an overloaded field that is all pad', { options: [52, 1, 3, 255] }, []],
    [
      'overload within overload leads nowhere',
      { options: [52, 1, 1, 255], file: [52, 1, 2, 255], sname: [12, 1, 9, 255] },
      [],
    ],
    [
      'overload of a wrong length is no overload',
      { options: [52, 2, 1, 1, 255], file: [12, 1, 9, 255] },
      [],
    ],
  ] as const) {
    test(rule, () => {
      const { options } = decoded(wire(fields));
      assert.deepEqual(
        options.map(({ code, data }) => [code, [...data]]),
        want,
      );
    });
  }

  for (const [rule, bytes, want] of [
    ['235 octets', new Uint8Array(235), 'short'],
    ['more than UDP carries', new Uint8Array(65508), 'long'],
    ['an option longer than the message', wire({ options: [53, 2, 1] }), 'truncated'],
    ['a code without a length', wire({ options: [53, 1, 1, 12] }), 'truncated'],
    [
      'an option longer than file',
      wire({ options: [52, 1, 1, 255], file: [12, 127] }),
      'truncated',
    ],
    [
      'an option longer than sname',
      wire({ options: [52, 1, 2, 255], sname: [12, 63] }),
      'truncated',
    ],
  ] as const) {
    test(`refused: ${rule}`, () => assert.equal(decodeMessage(bytes), want));
  }
});

describe('decode: the fixed part', () => {
  test('every field where RFC 2131 Figure 1 has it', () => {
    const bytes = wire({
      sname: [...Buffer.from('srv\0junk')],
      file: [...Buffer.from('boot.img')],
    });
    bytes.set(Buffer.from('0201060300000007000980000a0000010a0000020a0000030a000004', 'hex'));
    bytes.set([2, 0, 0, 0, 0, 10, 99], H.CHADDR);
    assert.deepEqual(decoded(bytes), {
      ...BLANK,
      op: 2,
      hops: 3,
      xid: 7,
      secs: 9,
      flags: 0x8000,
      ciaddr: 0x0a000001,
      yiaddr: 0x0a000002,
      siaddr: 0x0a000003,
      giaddr: 0x0a000004,
      sname: utf8('srv'),
      file: utf8('boot.img'),
    });
  });

  test('hlen beyond the field is cut to 16', () => {
    const bytes = wire({});
    bytes[H.HLEN] = 255;
    assert.equal(decoded(bytes).chaddr.length, 16);
  });

  test('a name that fills its field has no NUL', () => {
    const bytes = wire({ sname: new Array(64).fill(97), file: [0xe9, 0x2e, 0x00, 0x61] });
    assert.deepEqual(decoded(bytes).sname, new Uint8Array(64).fill(97));
    assert.deepEqual(decoded(bytes).file, Uint8Array.of(0xe9, 0x2e));
  });

  test('overloaded fields are no names', () => {
    const bytes = wire({ options: [52, 1, 1, 255], file: [12, 1, 97, 255], sname: [97, 0] });
    assert.deepEqual(decoded(bytes).file, new Uint8Array());
    assert.deepEqual(decoded(bytes).sname, utf8('a'));
  });

  test('plain BOOTP', () => {
    const message = decoded(Buffer.alloc(300));
    assert.deepEqual([message.hasCookie, message.options, messageTypeOf(message)], [false, [], 0]);
  });

  test('optionOf and messageTypeOf', () => {
    const message = decoded(wire({ options: [53, 1, 5, 12, 1, 97, 255] }));
    assert.equal(messageTypeOf(message), H.DHCPACK);
    assert.deepEqual(optionOf(message, 12), Uint8Array.of(97));
    assert.equal(optionOf(message, 15), null);
    assert.equal(messageTypeOf(decoded(wire({ options: [53, 2, 5, 5, 255] }))), 0);
  });
});

/** The codes of the options from `start` on. */
const codes = (bytes: Uint8Array, start: number) => {
  const found: number[] = [];
  for (let at = start; bytes[at] !== 255; at += 2 + bytes[at + 1]!) found.push(bytes[at]!);
  return found;
};

describe('encode', () => {
  test('RFC 1542 §2.1: 300 octets at least, the rest zero', () => {
    const { bytes } = encodeMessage({ ...BLANK, options: [option(53, 1)] });
    assert.equal(bytes.length, 300);
    assert.deepEqual([...bytes.subarray(240)], [53, 1, 1, 255, ...new Array(56).fill(0)]);
  });

  test('plain BOOTP has no cookie', () => {
    const { bytes } = encodeMessage({ ...BLANK, hasCookie: false });
    assert.deepEqual(bytes.subarray(236), Buffer.alloc(64));
  });

  test('RFC 3396 §5: 600 octets go in pieces of 255, 255 and 90, one after the other', () => {
    const options = [option(53, 1), option(119, 600), option(3, 4)];
    const { bytes, omitted } = encodeMessage(
      { ...BLANK, options },
      { maxBytes: 1472, overload: false },
    );
    assert.deepEqual(omitted, []);
    assert.deepEqual(codes(bytes, 240), [53, 119, 119, 119, 3]);
    assert.deepEqual(decoded(bytes).options, options);
  });

  test('RFC 3046 §2.1: option 82 is the last, wherever the caller had it', () => {
    const { bytes } = encodeMessage({
      ...BLANK,
      options: [option(82, 5), option(53, 1), option(3, 4)],
    });
    assert.deepEqual(codes(bytes, 240), [53, 3, 82]);
  });

  test('what does not fit is told, what comes later and fits is kept', () => {
    const options = [option(53, 1), option(43, 250), option(17, 60), option(3, 4)];
    const { bytes, omitted } = encodeMessage({ ...BLANK, options });
    assert.deepEqual(omitted, [17]);
    assert.deepEqual(codes(bytes, 240), [53, 43, 3]);
    assert.ok(bytes.length <= 548);
  });

  test('an option that fits nowhere is told at once, however long it is', () => {
    const { omitted } = encodeMessage({ ...BLANK, options: [option(43, 100_000)] });
    assert.deepEqual(omitted, [43]);
  });

  test('option 82 finds room before the others; alone too long, it is left out whole', () => {
    const long = { ...BLANK, options: [option(53, 1), option(43, 250), option(82, 100)] };
    assert.deepEqual(encodeMessage(long).omitted, [43]);
    const tooLong = { ...BLANK, options: [option(53, 1), option(82, 400)] };
    const { bytes, omitted } = encodeMessage(tooLong);
    assert.deepEqual(omitted, [82]);
    assert.deepEqual(codes(bytes, 240), [53]);
  });
});

describe('encode: overload and limits', () => {
  test('RFC 2132 §9.3: options that do not fit go to file, then to sname', () => {
    const options = [
      option(53, 1),
      option(43, 250),
      option(17, 100),
      option(14, 50),
      option(82, 40),
    ];
    const { bytes, omitted } = encodeMessage(
      { ...BLANK, options },
      { maxBytes: 548, overload: true },
    );
    assert.deepEqual(omitted, []);
    assert.deepEqual(codes(bytes, 240), [53, 43, 52, 82]);
    assert.deepEqual(codes(bytes, H.FILE), [17]);
    assert.deepEqual(codes(bytes, H.SNAME), [14]);
    assert.equal(bytes[bytes.lastIndexOf(Buffer.of(52, 1, 3)) + 2], 3);
    assert.deepEqual(new Set(decoded(bytes).options), new Set(options));
  });

  for (const [rule, message, overload] of [
    ['a boot file name is not overwritten', { ...BLANK, file: utf8('boot.img') }, 2],
    ['a server name is not overwritten', { ...BLANK, sname: utf8('srv') }, 1],
  ] as const) {
    test(rule, () => {
      const options = [option(53, 1), option(43, 250), option(17, 60)];
      const { bytes, omitted } = encodeMessage(
        { ...message, options },
        { maxBytes: 548, overload: true },
      );
      assert.deepEqual(omitted, []);
      assert.ok(bytes.includes(Buffer.of(52, 1, overload)));
      assert.deepEqual([decoded(bytes).file, decoded(bytes).sname], [message.file, message.sname]);
    });
  }

  test('no overload while all fits', () => {
    const { bytes } = encodeMessage(
      { ...BLANK, options: [option(53, 1)] },
      { maxBytes: 548, overload: true },
    );
    assert.deepEqual(codes(bytes, 240), [53]);
  });

  test('an option that just fits', () => {
    const limits = { maxBytes: 300, overload: false };
    assert.deepEqual(encodeMessage({ ...BLANK, options: [option(43, 57)] }, limits).omitted, []);
    assert.deepEqual(encodeMessage({ ...BLANK, options: [option(43, 58)] }, limits).omitted, [43]);
    assert.deepEqual(encodeMessage({ ...BLANK, options: [option(82, 57)] }, limits).omitted, []);
    assert.deepEqual(encodeMessage({ ...BLANK, options: [option(82, 58)] }, limits).omitted, [82]);
  });

  test('pad, end and overload as options, and names that are too long, are our bugs', () => {
    for (const code of [0, 52, 255])
      assert.throws(() => encodeMessage({ ...BLANK, options: [option(code, 1)] }));
    assert.throws(() => encodeMessage({ ...BLANK, file: new Uint8Array(129) }));
    assert.throws(() => encodeMessage(BLANK, { maxBytes: 299, overload: false }));
  });
});

const U32 = fc.nat(0xffffffff);
const IP = U32.map((n) => n as Ipv4);
const NAME = (maxLength: number) => fc.uint8Array({ maxLength, min: 1 });

const OPTION_LIST = fc.uniqueArray(
  fc.record(
    {
      code: fc.integer({ min: 1, max: 254 }).filter((code) => code !== 52),
      data: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ minLength: 250, maxLength: 520 }),
      ),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 12, selector: ({ code }) => code },
);

const MESSAGE: fc.Arbitrary<Message> = fc.record(
  {
    op: fc.constantFrom(1, 2),
    htype: fc.nat(255),
    hops: fc.nat(255),
    xid: U32,
    secs: fc.nat(65535),
    flags: fc.nat(65535),
    ciaddr: IP,
    yiaddr: IP,
    siaddr: IP,
    giaddr: IP,
    chaddr: fc.uint8Array({ maxLength: 16 }),
    sname: NAME(64),
    file: NAME(128),
    hasCookie: fc.constant(true),
    options: OPTION_LIST,
  },
  { noNullPrototype: true },
);

describe('properties', () => {
  test('decode undoes encode; only option 82 changes its place', () => {
    fc.assert(
      fc.property(MESSAGE, (message) => {
        const { bytes, omitted } = encodeMessage(message, { maxBytes: 8000, overload: false });
        const last = message.options.filter(({ code }) => code === 82);
        const options = [...message.options.filter(({ code }) => code !== 82), ...last];
        assert.deepEqual(omitted, []);
        assert.deepEqual(decoded(bytes), { ...message, options });
      }),
    );
  });

  test('limits hold: never longer than allowed, and each option is either whole or told to be missing', () => {
    fc.assert(
      fc.property(
        MESSAGE,
        fc.integer({ min: 300, max: 1500 }),
        fc.boolean(),
        (message, maxBytes, overload) => {
          const { bytes, omitted } = encodeMessage(message, { maxBytes, overload });
          assert.ok(bytes.length >= 300 && bytes.length <= maxBytes);
          const back = decoded(bytes);
          for (const { code, data } of message.options) {
            const found = optionOf(back, code);
            assert.deepEqual(found, omitted.includes(code) ? null : data);
          }
          assert.equal(back.options.length + omitted.length, message.options.length);
          assert.deepEqual({ ...back, options: [] }, { ...message, options: [] });
        },
      ),
    );
  });

  test('encodedLength is what is written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 800 }), (data) => {
        const { bytes } = encodeMessage(
          { ...BLANK, options: [{ code: 43, data }] },
          { maxBytes: 2000, overload: false },
        );
        assert.equal(bytes[240 + encodedLength(data)], 255);
      }),
    );
  });

  test('no octets make it throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.nat(3),
        fc.uint8Array({ minLength: 192, maxLength: 192 }),
        (options, overload, names) => {
          const bytes = wire({ options: [52, 1, overload, ...options] });
          bytes.set(names, H.SNAME);
          const message = decodeMessage(bytes);
          if (typeof message === 'string') assert.equal(message, 'truncated');
          else
            assert.equal(
              new Set(message.options.map(({ code }) => code)).size,
              message.options.length,
            );
        },
      ),
    );
  });
});
