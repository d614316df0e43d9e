import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TemplateField } from '../../../crds/types/agentconfig.ts';
import type { RelayLink } from './links.ts';
import { fillTemplate } from './template.ts';
import { linkOf } from './testing.ts';

const NAMES = { node: 'node-a', relay: 'office' };

// [field, what it stands for on that link]
const FIELDS: readonly (readonly [TemplateField, string, Partial<RelayLink>?])[] = [
  ['interface', 'lan0'],
  ['mac', '02:00:00:00:00:01'],
  ['address', '192.0.2.1'],
  ['address', '0.0.0.0', { addresses: [] }],
  ['vlan', '30', { vlanId: 30 }],
  ['vlan', ''],
  ['node', 'node-a'],
  ['relay', 'office'],
];

for (const [field, want, edit] of FIELDS) {
  test(`{${field}} stands for "${want}"`, () => {
    const filled = fillTemplate([{ kind: 'field', field }], linkOf(edit), NAMES);
    assert.equal(filled.toString(), want);
  });
}

test('octets and fields follow each other as they are written', () => {
  const template = [
    { kind: 'bytes', bytes: Buffer.of(0, 4) },
    { kind: 'field', field: 'interface' },
    { kind: 'bytes', bytes: Buffer.from('/') },
    { kind: 'field', field: 'node' },
  ] as const;
  assert.equal(fillTemplate(template, linkOf(), NAMES).toString(), '\0\x04lan0/node-a');
});

test('what is filled in fits into a sub-option of an option (RFC 3046 §2.0): 253 octets', () => {
  const template = [{ kind: 'bytes', bytes: Buffer.alloc(300, 65) }] as const;
  assert.equal(fillTemplate(template, linkOf(), NAMES).length, 253);
});
