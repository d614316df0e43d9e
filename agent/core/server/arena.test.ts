import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4 } from '../../../codec/ipv4.ts';
import { HEADERS_LENGTH } from '../../../codec/link/datagram.ts';
import { Outbox } from '../outbox.ts';
import { ENTRY } from '../ring.ts';
import { arenaBytes, ReplyArena } from './arena.ts';
import { Delivery } from './destination.ts';

/** An arena of so many slots, and outboxes that take so many. */
function scene(immediate: number, held: number, outbox: number) {
  const headersAt = arenaBytes(immediate, held);
  const bytes = Buffer.alloc(headersAt + 2 * outbox * HEADERS_LENGTH);
  const routed = new Outbox(bytes, headersAt, outbox);
  const link = new Outbox(bytes, headersAt + outbox * HEADERS_LENGTH, outbox);
  const arena = new ReplyArena({ bytes, at: 0, immediate, held, routed, link });
  const send = (isRouted: boolean): void => {
    const at = arena.immediateSlot();
    arena.send(deliveryTo(1, isRouted), at + 300);
  };
  /** Holds a reply to this address, whose first octet is the same number, until a ticket is durable. */
  const hold = (n: number, ticket: number): void => {
    const at = arena.heldSlot();
    bytes[at] = n;
    arena.hold(deliveryTo(n, true), at + 300, ticket);
  };
  /** What is queued for routes: the last octet of each destination and the first of each payload. */
  const queued = (): [number, number][] =>
    Array.from({ length: routed.count }, (_, i) => {
      const entry = routed.entries.subarray(i * ENTRY.WORDS, (i + 1) * ENTRY.WORDS);
      return [entry[ENTRY.DESTINATION]!, bytes[entry[ENTRY.BODY_AT]!]!];
    });
  return { arena, routed, link, send, hold, queued };
}

function deliveryTo(destination: number, isRouted: boolean): Delivery {
  const delivery = new Delivery();
  delivery.routed = isRouted;
  delivery.destination = destination as Ipv4;
  return delivery;
}

// [what has run out, slots, room in each outbox, what is sent]
for (const [name, slots, room, sent] of [
  ['slots', 2, 9, [true, false]],
  ['room for what is routed', 9, 2, [true, true]],
  ['room for what goes onto links', 9, 2, [false, false]],
] as const) {
  test(`an arena must be flushed when there are no more: ${name}`, () => {
    const { arena, send } = scene(slots, 1, room);
    assert.equal(arena.mustFlush, false);
    for (const isRouted of sent) {
      assert.equal(arena.mustFlush, false);
      send(isRouted);
    }
    assert.equal(arena.mustFlush, true);
    arena.flushed();
    assert.equal(arena.mustFlush, false);
    assert.equal(arena.routed.count + arena.link.count, 0);
  });
}

test('replies leave in the order of their tickets, when those are durable and not before', () => {
  const { arena, hold, queued } = scene(1, 4, 8);
  hold(1, 10);
  hold(2, 11);
  hold(3, 13);
  assert.equal(arena.release(9), true);
  assert.deepEqual(queued(), []);
  assert.equal(arena.release(12), true);
  assert.deepEqual(queued(), [
    [1, 1],
    [2, 2],
  ]);
  assert.equal(arena.waiting, 1);
});

test('slots of what has left are used again, round and round', () => {
  const { arena, hold, queued } = scene(1, 3, 8);
  for (let n = 1; n <= 10; n++) {
    hold(n, n);
    if (n > 1) assert.equal(arena.release(n - 1), true);
    assert.deepEqual(queued(), n > 1 ? [[n - 1, n - 1]] : []);
    arena.flushed();
  }
});

test('what the outboxes have no room for stays, and leaves after a flush', () => {
  const { arena, hold, queued } = scene(1, 4, 2);
  for (let n = 1; n <= 4; n++) hold(n, n);
  assert.equal(arena.heldSlot(), -1, 'and there is no room for a fifth');
  assert.equal(arena.release(4), false);
  assert.equal(queued().length, 2);
  arena.flushed();
  assert.equal(arena.release(4), true);
  assert.deepEqual(queued(), [
    [3, 3],
    [4, 4],
  ]);
});

test('what will never be durable is dropped, and what came after it is not', () => {
  const { arena, hold, queued } = scene(1, 4, 8);
  for (let n = 1; n <= 4; n++) hold(n, n);
  arena.abandon(3);
  assert.equal(arena.waiting, 1);
  assert.equal(arena.release(9), true);
  assert.deepEqual(queued(), [[4, 4]]);
});
