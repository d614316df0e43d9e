import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ipv4 } from '../../../codec/ipv4.ts';
import { address, aLease, anyLease, NEW_YEAR, written } from '../../store/testleases.ts';
import { CLIENT_ADDRESSES_MAX, type Lease } from '../lease.ts';
import { encodeLease, memoryOf, RECORD_MAX, STATES } from './record.ts';
import { Leases } from './table.ts';

const secret = { low: 1, high: 2 };
const HOUR = 3_600_000;
const RECORD = memoryOf(Buffer.alloc(RECORD_MAX));

/** What the table must do, done with a Map and no thought for speed. */
class Oracle {
  readonly leases = new Map<Ipv4, Lease>();

  put(lease: Lease): void {
    this.leases.delete(lease.address);
    this.leases.set(lease.address, lease);
  }

  due(): Lease[] {
    return [...this.leases.values()]
      .filter(({ state, expires }) => /bound|declined/.test(state) && expires < Infinity)
      .sort((a, b) => a.expires - b.expires);
  }

  addresses(matches: (lease: Lease) => boolean): Ipv4[] {
    return [...this.leases.values()].filter(matches).map((lease) => lease.address);
  }
}

type Step =
  | { readonly kind: 'put'; readonly lease: Lease }
  | { readonly kind: 'forget'; readonly address: Ipv4 }
  | { readonly kind: 'expire'; readonly now: number; readonly limit: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: anyLease(6, 40).map((lease) => ({ kind: 'put', lease }) as const) },
  {
    weight: 2,
    arbitrary: fc.nat(39).map((n) => ({ kind: 'forget', address: address(n) }) as const),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: NEW_YEAR, max: NEW_YEAR + 24 * HOUR }), fc.nat(5))
      .map(([now, limit]) => ({ kind: 'expire', now, limit }) as const),
  },
);

test('the table does what a Map would do', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 150 }), (steps) => {
      const table = new Leases({ secret });
      const oracle = new Oracle();
      for (const step of steps) take(step, table, oracle);
      compare(table, oracle);
    }),
    { numRuns: 150 },
  );
});

function take(step: Step, table: Leases, oracle: Oracle): void {
  switch (step.kind) {
    case 'put':
      assert.ok(table.put(step.lease) > 0);
      oracle.put(step.lease);
      return;
    case 'forget':
      table.forget(step.address);
      oracle.leases.delete(step.address);
      return;
    case 'expire': {
      const due = oracle.due().filter(({ expires }) => expires <= step.now);
      const ended = table.expire(step.now, step.limit);
      // Those of one moment may come in any order.
      assert.deepEqual(
        ended.map(({ expires }) => expires),
        due.slice(0, step.limit).map(({ expires }) => expires),
      );
      for (const lease of ended) {
        const before = oracle.leases.get(lease.address)!;
        assert.ok(due.includes(before));
        assert.deepEqual(lease, { ...before, state: 'expired' });
        oracle.leases.set(lease.address, lease);
      }
    }
  }
}

function compare(table: Leases, oracle: Oracle): void {
  const all = [...oracle.leases.values()];
  assert.equal(table.size, all.length);
  assert.deepEqual([...table.entries()].map(written).sort(), all.map(written).sort());
  assert.equal(table.nextExpiry(), oracle.due()[0]?.expires ?? null);
  const octets = all.reduce((sum, lease) => sum + encodeLease(lease, RECORD, 0), 0);
  assert.equal(table.recordBytes, octets, 'what a snapshot takes');
  for (let n = 0; n < 40; n++) {
    const lease = oracle.leases.get(address(n));
    assert.deepEqual(table.get(address(n)), lease);
    assert.equal(table.stateOf(address(n)), lease?.state ?? 'free');
    assert.equal(table.expiresOf(address(n)), lease?.expires ?? -Infinity);
  }
  for (const subnet of ['', 'a', 'b', 'Gebäude 7', 'nowhere']) {
    const inside = all.filter((lease) => lease.subnet === subnet);
    const want = STATES.map((state) => [state, inside.filter((l) => l.state === state).length]);
    assert.deepEqual(table.counts(subnet), Object.fromEntries(want));
  }
  for (const { clientId, hardwareType, hardwareAddress } of all) {
    const sameHardware = (l: Lease): boolean =>
      l.hardwareType === hardwareType && Buffer.compare(l.hardwareAddress, hardwareAddress) === 0;
    assert.deepEqual(
      [...table.byHardwareAddress(hardwareType, hardwareAddress)].sort(),
      oracle.addresses(sameHardware).sort(),
    );
    if (clientId === null) continue;
    const sameClient = (l: Lease): boolean =>
      l.clientId !== null && Buffer.compare(l.clientId, clientId) === 0;
    assert.deepEqual([...table.byClientId(clientId)].sort(), oracle.addresses(sameClient).sort());
  }
}

test('the addresses of a client come latest first, whether new or renewed', () => {
  const table = new Leases({ secret });
  const of = { hardwareAddress: Uint8Array.of(1), clientId: Uint8Array.of(9, 9) };
  for (const n of [1, 2, 3]) table.put(aLease(n, of));
  table.put(aLease(2, { ...of, lastTransaction: NEW_YEAR + 1 }));
  assert.deepEqual(table.byClientId(of.clientId), [2, 3, 1].map(address));
  assert.deepEqual(table.byHardwareAddress(1, of.hardwareAddress), [2, 3, 1].map(address));
});

test('ten thousand clients that share a hardware address cost no more than a few', () => {
  const table = new Leases({ secret });
  const hardwareAddress = new Uint8Array(6);
  for (let n = 0; n < 10_000; n++) table.put(aLease(n, { hardwareAddress }));
  const found = table.byHardwareAddress(1, hardwareAddress);
  assert.deepEqual(
    found,
    Array.from({ length: CLIENT_ADDRESSES_MAX }, (_, i) => address(9_999 - i)),
  );
  for (let n = 0; n < 10_000; n++) table.forget(address(n));
  assert.deepEqual(table.byHardwareAddress(1, hardwareAddress), []);
});

test('a hundred thousand leases come, grow, move, expire and go, and every one can be found meanwhile', () => {
  const table = new Leases({ secret });
  const count = 100_000;
  const at = (n: number): number => NEW_YEAR + ((n * 7919) % count);
  for (let n = 0; n < count; n++) table.put(aLease(n, { expires: at(n) }));
  for (let n = 0; n < count; n += 3) {
    table.put(aLease(n, { expires: at(n), hostname: 'x'.repeat(n % 200), clientId: null }));
  }
  for (let n = 1; n < count; n += 3) table.forget(address(n));
  for (let n = 0; n < count; n++) {
    const { hardwareAddress, clientId } = aLease(n);
    const want = n % 3 === 1 ? [] : [address(n)];
    assert.deepEqual(table.byHardwareAddress(1, hardwareAddress), want);
    assert.deepEqual(table.byClientId(clientId!), n % 3 === 2 ? want : []);
  }
  let before = 0;
  let seen = 0;
  for (let ended = table.expire(Infinity, 999); ended.length > 0; ) {
    for (const { expires } of ended) assert.ok(expires >= before, 'in order');
    before = ended.at(-1)!.expires;
    seen += ended.length;
    ended = table.expire(Infinity, 999);
  }
  assert.equal(seen, table.size);
  assert.equal(table.counts('10.0.0.0/8').expired, table.size);
  assert.equal(table.nextExpiry(), null);
});

test('walking over all leases while some come and go sees each that stays exactly once', () => {
  const table = new Leases({ secret });
  for (let n = 0; n < 100; n++) table.put(aLease(n));
  const seen: number[] = [];
  for (const lease of table.entries()) {
    const n = lease.address - address(0);
    seen.push(n);
    if (n % 10 === 0) table.forget(address(n + 1));
    table.put(aLease(n % 10 === 5 ? 1000 + n : n, { hostname: 'renewed' }));
  }
  const stayed = seen.filter((n) => n < 100);
  assert.deepEqual(
    stayed.sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, n) => n).filter((n) => n % 10 !== 1),
  );
});

test('what the log refuses does not happen', () => {
  const table = new Leases({ secret, log: { put: () => 0, forget: () => 1 } });
  assert.equal(table.put(aLease(1)), 0);
  assert.equal(table.get(address(1)), undefined);
  assert.equal(table.size, 0);
});

test('an emptied table knows nobody, and takes everybody', () => {
  const table = new Leases({ secret });
  const fill = (): void => {
    for (let n = 0; n < 1000; n++) table.put(aLease(n));
    for (let n = 0; n < 1000; n += 7) table.forget(address(n));
  };
  fill();
  table.clear();
  compare(table, new Oracle());
  assert.deepEqual(table.byClientId(aLease(1).clientId!), []);
  fill();
  assert.equal(table.size, 1000 - 143);
  assert.equal(table.slots, 1000, 'in the slots that were there');
});

test('records are copied out by address and by slot, and there are none of what is gone', () => {
  const table = new Leases({ secret });
  const want = encodeLease(aLease(7), RECORD, 0);
  const wanted = Buffer.from(RECORD.bytes.subarray(0, want));
  const target = Buffer.alloc(RECORD_MAX);
  table.put(aLease(3));
  table.put(aLease(7));
  for (const copy of [
    () => table.copy(address(7), target, 5),
    () => table.copySlot(1, target, 5),
  ]) {
    target.fill(0);
    assert.equal(copy(), wanted.length);
    assert.deepEqual(target.subarray(5, 5 + wanted.length), wanted);
  }
  table.forget(address(7));
  assert.deepEqual([table.copy(address(7), target, 0), table.copySlot(1, target, 0)], [0, 0]);
});
