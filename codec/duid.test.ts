import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatUuid, parseUuid, printDuid } from './duid.ts';
import { unhex } from './hardware.ts';

for (const [rule, duid, want] of [
  [
    'RFC 8415 §11.2: link-layer address and time',
    '000100012b7c0b4f02000000000a',
    'duid-llt 02:00:00:00:00:0a',
  ],
  ['RFC 8415 §11.3: enterprise number', '00020000ab11aabb', 'duid-en 43793:aabb'],
  ['RFC 8415 §11.4: link-layer address', '0003000102000000000a', 'duid-ll 02:00:00:00:00:0a'],
  [
    'RFC 6355: UUID',
    '00044c4c4544005135108042b5c04f4d3232',
    'duid-uuid 4c4c4544-0051-3510-8042-b5c04f4d3232',
  ],
  ['a UUID cut off', '00044c4c', 'duid 0x00044c4c'],
  ['an enterprise number alone', '00020000ab11', 'duid 0x00020000ab11'],
  ['a type nobody knows', '0009aa', 'duid 0x0009aa'],
  ['no whole type', '00', 'duid 0x00'],
] as const) {
  test(rule, () => assert.equal(printDuid(unhex(duid)!), want));
}

test('the text of a UUID, both ways', () => {
  const text = '4c4c4544-0051-3510-8042-b5c04f4d3232';
  assert.equal(formatUuid(parseUuid(text.toUpperCase())!), text);
  assert.equal(parseUuid(text.replaceAll('-', '')), null);
  assert.equal(parseUuid(`${text}0`), null);
});
