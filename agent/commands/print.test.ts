import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { jsonOf, listPieces, yamlOf } from './print.ts';

const OBJECTS = [
  { name: 'off', at: '2026-01-31T12:00:00Z', id: '0102', other: '1e3', n: 3 },
  { name: 'a\u202eb\u0085c\nd', text: '\ufeff "quoted" \\ ' },
  { name: '\u{1f600}', empty: {}, list: [1] },
];

test('JSON and YAML say what the object says, also to YAML 1.1, and nothing unseen', () => {
  for (const object of OBJECTS) {
    const yaml = yamlOf(object);
    assert.deepEqual(parse(yaml), object);
    assert.deepEqual(parse(yaml, { version: '1.1' }), object);
    assert.deepEqual(JSON.parse(jsonOf(object)), object);
    for (const text of [yaml, jsonOf(object, 2)]) assert.doesNotMatch(text, /[\u0085\u202e\ufeff]/);
  }
});

for (const format of ['json', 'yaml'] as const) {
  for (const items of [[], OBJECTS.slice(0, 1), OBJECTS]) {
    test(`${items.length} objects are one List in ${format}`, () => {
      const text = [...listPieces(items, format)].join('');
      const read = format === 'json' ? JSON.parse(text) : parse(text, { version: '1.1' });
      assert.deepEqual(read, { apiVersion: 'v1', kind: 'List', items });
      assert.ok(text.endsWith('\n') && !text.endsWith('\n\n'));
    });
  }
}
