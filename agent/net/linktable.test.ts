import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4, parseIpv4 } from '../../codec/ipv4.ts';
import {
  type Address,
  encodeAddressDump,
  encodeLinkDump,
  type Link,
  type RouteMessage,
} from '../../codec/link/rtnetlink.ts';
import { LinkTable, type NextStep } from './linktable.ts';

/** What a message says, without the envelope. */
type Fact =
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'linkGone'; readonly index: number }
  | { readonly type: 'address' | 'addressGone'; readonly address: Address }
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly errno: number }
  | { readonly type: 'overrun' | 'malformed' };

function link(index: number, name = `eth${index}`): Fact {
  return {
    type: 'link',
    link: {
      index,
      name,
      up: true,
      running: true,
      broadcast: true,
      loopback: false,
      pointToPoint: false,
      hardwareType: 1,
      hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, index),
      mtu: 1500,
      master: null,
      kind: '',
      vlanId: null,
      vrfTable: null,
      parentIndex: null,
      parentNamespace: null,
    },
  };
}

/** `7 192.0.2.1/24`, with `secondary` or `host` behind it. */
function addressOf(text: string): Address {
  const [ifindex, prefix, ...words] = text.split(' ');
  const [address, length] = prefix!.split('/');
  const local = parseIpv4(address!)!;
  return {
    ifindex: Number(ifindex),
    local,
    address: local,
    prefixLength: Number(length),
    broadcast: null,
    label: '',
    secondary: words.includes('secondary'),
    permanent: true,
    scope: words.includes('host') ? 254 : 0,
  };
}

const has = (text: string): Fact => ({ type: 'address', address: addressOf(text) });
const lost = (text: string): Fact => ({ type: 'addressGone', address: addressOf(text) });
const DONE: Fact = { type: 'done' };

function event(...facts: readonly Fact[]): RouteMessage[] {
  return facts.map((fact) => ({ ...fact, sequence: 0, interrupted: false }));
}

function answer(sequence: number, ...facts: readonly Fact[]): RouteMessage[] {
  return facts.map((fact) => ({ ...fact, sequence, interrupted: false }));
}

function interrupted(sequence: number, ...facts: readonly Fact[]): RouteMessage[] {
  return facts.map((fact) => ({ ...fact, sequence, interrupted: true }));
}

const NOTHING: NextStep = { do: 'nothing' };
const asksLinks = (sequence: number): NextStep => ({
  do: 'send',
  request: encodeLinkDump(sequence),
});
const asksAddresses = (sequence: number): NextStep => ({
  do: 'send',
  request: encodeAddressDump(sequence),
});

/** `eth1 192.0.2.1/24 192.0.2.2/24` for each link. */
function shown(table: LinkTable): string[] {
  return table.snapshot().map(({ name, addresses }) => {
    return [name, ...addresses.map((a) => `${formatIpv4(a.local)}/${a.prefixLength}`)].join(' ');
  });
}

/** A table that was told of eth1 and eth2, with sequence numbers 1 and 2. */
function filled(...addresses: readonly Fact[]): LinkTable {
  const table = new LinkTable();
  table.start();
  table.handle(answer(1, link(1), link(2), DONE));
  table.handle(answer(2, ...addresses, DONE));
  assert.equal(table.complete, true);
  return table;
}

test('first links are dumped, then addresses, and then the table is complete', () => {
  const table = new LinkTable();
  assert.deepEqual(table.start(), encodeLinkDump(1));
  assert.deepEqual(table.handle(answer(1, link(2), link(1))), NOTHING);
  assert.deepEqual(table.handle(answer(1, DONE)), asksAddresses(2));
  assert.equal(table.complete, false);
  assert.deepEqual(table.handle(answer(2, has('1 192.0.2.1/24'), DONE)), NOTHING);
  assert.equal(table.complete, true);
  assert.deepEqual(shown(table), ['eth1 192.0.2.1/24', 'eth2']);
});

test('events change the table: appears, is renamed, gains and loses an address, goes', () => {
  const table = filled();
  table.handle(event(link(3)));
  assert.deepEqual(shown(table), ['eth1', 'eth2', 'eth3']);
  table.handle(event(has('3 192.0.2.3/24')));
  table.handle(event(link(3, 'lan')));
  assert.deepEqual(shown(table), ['eth1', 'eth2', 'lan 192.0.2.3/24']);
  table.handle(event(lost('3 192.0.2.3/24')));
  assert.deepEqual(shown(table), ['eth1', 'eth2', 'lan']);
  table.handle(event({ type: 'linkGone', index: 3 }));
  assert.deepEqual(shown(table), ['eth1', 'eth2']);
});

test('what the kernel says again is not a change', () => {
  const table = filled(has('1 192.0.2.1/24'));
  const before = table.snapshot();
  table.handle(event(link(1), has('1 192.0.2.1/24'), { type: 'linkGone', index: 9 }));
  table.handle(event(lost('1 192.0.2.9/24'), has('9 192.0.2.9/24')));
  assert.equal(table.snapshot(), before);
});

test('a snapshot given away never changes', () => {
  const table = filled(has('1 192.0.2.1/24'));
  const before = table.snapshot();
  const copy = structuredClone(before);
  table.handle(event(link(1, 'new'), has('2 192.0.2.2/24'), lost('1 192.0.2.1/24')));
  assert.notEqual(table.snapshot(), before);
  assert.deepEqual(before, copy);
});

test('after lost events everything is asked for, and what vanished unseen is gone', () => {
  const table = filled(has('1 192.0.2.1/24'));
  assert.deepEqual(table.handle(null), asksLinks(3));
  table.handle(answer(3, link(2), DONE));
  assert.deepEqual(shown(table), ['eth1 192.0.2.1/24', 'eth2'], 'until the dump is complete');
  table.handle(answer(4, DONE));
  assert.deepEqual(shown(table), ['eth2']);
});

test('a dump that finds nothing new changes nothing', () => {
  const table = filled(has('1 192.0.2.1/24'));
  const before = table.snapshot();
  table.handle(null);
  table.handle(answer(3, link(1), link(2), DONE));
  table.handle(answer(4, has('1 192.0.2.1/24'), DONE));
  assert.equal(table.snapshot(), before);
});

test('events lost during a dump: it is asked again when it ends, since the kernel answers one at a time', () => {
  const table = filled();
  table.handle(null);
  assert.deepEqual(table.handle(null), NOTHING);
  assert.deepEqual(table.handle(answer(3, link(1), DONE)), asksLinks(4));
  assert.deepEqual(table.handle(answer(4, link(1), DONE)), asksAddresses(5));
  assert.deepEqual(table.handle(answer(5, DONE)), NOTHING);
  assert.deepEqual(shown(table), ['eth1']);
});

for (const how of ['overrun', 'malformed'] as const) {
  test(`a message that says ${how} counts as events lost`, () => {
    assert.deepEqual(filled().handle(event({ type: how })), asksLinks(3));
  });
}

test('a dump that was interrupted is asked again (NLM_F_DUMP_INTR), in either phase', () => {
  const table = new LinkTable();
  table.start();
  assert.deepEqual(table.handle(interrupted(1, link(1), link(9))), NOTHING);
  assert.deepEqual(table.handle(answer(1, DONE)), asksLinks(2));
  assert.deepEqual(table.handle(answer(2, link(1), DONE)), asksAddresses(3));
  assert.deepEqual(table.handle(interrupted(3, DONE)), asksLinks(4));
  assert.deepEqual(table.handle(answer(4, link(1), DONE)), asksAddresses(5));
  assert.equal(table.complete, false);
  assert.deepEqual(table.handle(answer(5, DONE)), NOTHING);
  assert.deepEqual(shown(table), ['eth1']);
});

test('a namespace that never rests is accepted as it is after ten attempts', () => {
  const table = new LinkTable();
  table.start();
  for (let attempt = 1; attempt < 10; attempt++) {
    assert.deepEqual(table.handle(interrupted(attempt, link(1), DONE)), asksLinks(attempt + 1));
  }
  assert.deepEqual(table.handle(interrupted(10, link(1), DONE)), asksAddresses(11));
  assert.deepEqual(table.handle(interrupted(11, DONE)), NOTHING);
  assert.deepEqual(shown(table), ['eth1']);
});

test('events during a dump count for the table in use and for the one being filled', () => {
  const table = filled();
  table.handle(null);
  table.handle(answer(3, link(1), link(2)));
  table.handle(event({ type: 'linkGone', index: 2 }, link(3)));
  assert.deepEqual(shown(table), ['eth1', 'eth3']);
  table.handle(answer(3, DONE));
  table.handle(event(has('1 192.0.2.9/24')));
  assert.deepEqual(shown(table), ['eth1 192.0.2.9/24', 'eth3']);
  // The dump gives the order, whatever the event did.
  table.handle(answer(4, has('1 192.0.2.1/24'), has('1 192.0.2.9/24'), DONE));
  assert.deepEqual(shown(table), ['eth1 192.0.2.1/24 192.0.2.9/24', 'eth3']);
});

test('a dump that is refused is started over later; an error about something else is not ours', () => {
  const table = new LinkTable();
  table.start();
  assert.deepEqual(table.handle(event({ type: 'error', errno: 1 })), NOTHING);
  assert.deepEqual(table.handle(answer(1, { type: 'error', errno: 16 })), {
    do: 'startOver',
    errno: 16,
  });
  assert.deepEqual(table.handle(answer(1, DONE)), NOTHING);
  assert.deepEqual(table.start(), encodeLinkDump(2));
});

const ORDERS: readonly (readonly [string, Fact, string])[] = [
  [
    'a new primary goes behind the primaries',
    has('1 10.0.0.1/8'),
    '192.0.2.1 198.51.100.1 10.0.0.1 192.0.2.2',
  ],
  [
    'a new secondary goes last',
    has('1 198.51.100.2/24 secondary'),
    '192.0.2.1 198.51.100.1 192.0.2.2 198.51.100.2',
  ],
  [
    'a primary of a narrower scope goes before those of a wider',
    has('1 10.0.0.1/8 host'),
    '10.0.0.1 192.0.2.1 198.51.100.1 192.0.2.2',
  ],
  [
    'a secondary that is promoted goes behind the primaries',
    has('1 192.0.2.2/24'),
    '192.0.2.1 198.51.100.1 192.0.2.2',
  ],
  [
    'one that is renewed stays where it is',
    has('1 192.0.2.1/24'),
    '192.0.2.1 198.51.100.1 192.0.2.2',
  ],
];

for (const [name, fact, expected] of ORDERS) {
  test(`address order: ${name}`, () => {
    const table = filled(
      has('1 192.0.2.1/24'),
      has('1 198.51.100.1/24'),
      has('1 192.0.2.2/24 secondary'),
    );
    table.handle(event(fact));
    const order = table.snapshot()[0]!.addresses.map(({ local }) => formatIpv4(local));
    assert.equal(order.join(' '), expected);
  });
}
