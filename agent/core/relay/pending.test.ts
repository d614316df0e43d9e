import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pending } from './pending.ts';

const XID = 0x12345678;
const CLIENT = 77;

test('a request tells its link and its age until its client has given up', () => {
  const pending = new Pending(16);
  pending.note(1000, XID, CLIENT, 3);
  assert.deepEqual([pending.linkOf(1000, XID, CLIENT), pending.ageOf(1000, XID, CLIENT)], [3, 0]);
  assert.deepEqual(
    [pending.linkOf(65_000, XID, CLIENT), pending.ageOf(65_000, XID, CLIENT)],
    [3, 64_000],
  );
  assert.deepEqual(
    [pending.linkOf(65_001, XID, CLIENT), pending.ageOf(65_001, XID, CLIENT)],
    [0, -1],
  );
});

test('who has asked nothing has no link and no age', () => {
  const pending = new Pending(16);
  assert.deepEqual([pending.linkOf(0, 0, 0), pending.ageOf(0, 0, 0)], [0, -1]);
  pending.note(5, XID, CLIENT, 3);
  for (const [xid, client] of [
    [XID + 1, CLIENT],
    [XID, CLIENT + 1],
    [XID, CLIENT + 16],
  ] as const) {
    assert.deepEqual([pending.linkOf(5, xid, client), pending.ageOf(5, xid, client)], [0, -1]);
  }
});

test('of two requests that meet in one slot the newer one counts', () => {
  const pending = new Pending(1);
  pending.note(0, XID, CLIENT, 3);
  pending.note(1, XID + 1, CLIENT, 4);
  assert.equal(pending.linkOf(2, XID, CLIENT), 0);
  assert.equal(pending.linkOf(2, XID + 1, CLIENT), 4);
});
