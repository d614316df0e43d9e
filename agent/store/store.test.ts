import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { Ipv4 } from '../../codec/ipv4.ts';
import type { WallMillis } from '../../codec/machine.ts';
import { crc32c } from '../core/crc32c.ts';
import { FRAMES_AT, VERSION } from '../core/journal.ts';
import type { Lease } from '../core/lease.ts';
import type { SystemError } from '../net/addon.ts';
import type { ClockSource } from './clock.ts';
import { type WriteDurably, writeDurably } from './durable.ts';
import { LeaseStore, type StoreOptions } from './store.ts';
import { address, aLease, anyLease, NEW_YEAR, withDirectory, written } from './testleases.ts';

const HOUR = 3_600_000;

/** Leases that do not end while a test runs. */
const lasting = (n: number, differing: Partial<Lease> = {}): Lease =>
  aLease(n, { expires: Number.POSITIVE_INFINITY, ...differing });

function contents(store: LeaseStore): string[] {
  return [...store.leases.entries()].map(written).sort();
}

/** Opens, lets `use` do its part, and closes. */
async function withStore<T>(
  options: StoreOptions,
  use: (store: LeaseStore) => T | Promise<T>,
): Promise<T> {
  const store = await LeaseStore.open(options);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

function fileNames(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name !== 'owner')
    .sort();
}

test('leases are there again after a restart, and those forgotten are not', () =>
  withDirectory(async (directory) => {
    const before = await withStore({ directory }, async (store) => {
      for (let n = 0; n < 100; n++) store.leases.put(lasting(n));
      for (let n = 0; n < 100; n += 2) store.leases.forget(address(n));
      store.leases.put(lasting(1, { hostname: 'renewed' }));
      await store.sync();
      return contents(store);
    });
    assert.equal(before.length, 50);
    await withStore({ directory }, (store) => {
      assert.deepEqual(contents(store), before);
      assert.deepEqual(store.report.leases, 50);
      assert.deepEqual([store.report.damage, store.report.torn], [[], null]);
    });
  }));

// --- against a model ------------------------------------------------------------------------------

type Step =
  | { readonly kind: 'put'; readonly lease: Lease }
  | { readonly kind: 'forget'; readonly address: Ipv4 }
  | { readonly kind: 'sync' | 'crash' | 'reopen' };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: anyLease(6, 20).map(
      (lease) => ({ kind: 'put', lease: { ...lease, expires: Number.POSITIVE_INFINITY } }) as const,
    ),
  },
  {
    weight: 3,
    arbitrary: fc.nat(19).map((n) => ({ kind: 'forget', address: address(n) }) as const),
  },
  { weight: 2, arbitrary: fc.constantFrom('sync', 'crash', 'reopen').map((kind) => ({ kind })) },
);

test('put, forget, compact, crash and reopen in any order: what was durable is there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 120 }), (steps) =>
      withDirectory((directory) => playSteps(steps, directory)),
    ),
    { numRuns: 25 },
  );
});

async function playSteps(steps: readonly Step[], directory: string): Promise<void> {
  let generation = 0;
  const place = (): string => join(directory, String(generation));
  // So low that a compaction is nearly always due.
  const open = (): Promise<LeaseStore> =>
    LeaseStore.open({ directory: place(), compactAbove: 2000 });
  let store = await open();
  const model = new Map<Ipv4, string>();
  for (const step of steps) {
    switch (step.kind) {
      case 'put':
        assert.ok(store.leases.put(step.lease) > 0);
        model.set(step.lease.address, written(step.lease));
        break;
      case 'forget':
        store.leases.forget(step.address);
        model.delete(step.address);
        break;
      case 'sync':
        await store.sync();
        break;
      case 'crash': {
        // A copy of what the disk has while the process is alive is what a crash leaves.
        await store.sync();
        const from = place();
        generation++;
        copyWhileAlive(from, place());
        await store.close();
        store = await open();
        break;
      }
      case 'reopen':
        await store.close();
        store = await open();
    }
    if (step.kind === 'crash' || step.kind === 'reopen') {
      assert.deepEqual(store.report.damage, []);
      assert.deepEqual(contents(store), [...model.values()].sort());
    }
  }
  await store.close();
}

/** Files may vanish between listing and copying, as the compaction goes on: then once more. */
function copyWhileAlive(from: string, to: string): void {
  for (;;) {
    try {
      cpSync(from, to, { recursive: true });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

// --- damage ---------------------------------------------------------------------------------------

/** A store of five batches of two leases, closed. */
async function fiveBatches(directory: string): Promise<string> {
  await withStore({ directory }, async (store) => {
    for (let n = 0; n < 10; n += 2) {
      store.leases.put(lasting(n));
      store.leases.put(lasting(n + 1));
      await store.sync();
    }
  });
  const [name] = fileNames(directory);
  return join(directory, name!);
}

test('a journal cut anywhere opens with all whole records, says so once, and goes on', () =>
  withDirectory(async (directory) => {
    const original = join(directory, 'original');
    const journal = await fiveBatches(original);
    const size = statSync(journal).size;
    let before = 0;
    for (let cut = FRAMES_AT; cut < size; cut += 37) {
      const copy = join(directory, `cut-${cut}`);
      cpSync(original, copy, { recursive: true });
      truncateSync(journal.replace(original, copy), cut);
      const [count, torn] = await withStore({ directory: copy }, async (store) => {
        store.leases.put(lasting(99));
        await store.sync();
        assert.deepEqual(store.report.damage, []);
        return [store.report.leases, store.report.torn] as const;
      });
      assert.ok(count >= before, `cut at ${cut}`);
      before = count;
      await withStore({ directory: copy }, ({ leases, report }) => {
        assert.equal(leases.size, count + 1, `cut at ${cut}`);
        assert.deepEqual([report.torn, report.damage], [null, []], `was ${JSON.stringify(torn)}`);
      });
    }
    assert.ok(before >= 8);
  }));

test('a damaged journal is kept aside as it was, what can be read is kept, and it is reported once', () =>
  withDirectory(async (directory) => {
    const journal = await fiveBatches(directory);
    const bytes = readFileSync(journal);
    bytes[FRAMES_AT + 100]! ^= 0x40;
    writeFileSync(journal, bytes);
    const kept = await withStore({ directory }, ({ leases, report }) => {
      assert.equal(leases.size, 9);
      assert.deepEqual(
        report.damage.map(({ reason }) => reason),
        ['1 of its records are missing'],
      );
      return report.kept;
    });
    assert.match(kept[0]!, /^journal-0+1\.corrupt-\d{8}T\d{6}Z$/);
    assert.deepEqual(readFileSync(join(directory, kept[0]!)), bytes);
    await withStore({ directory }, ({ leases, report }) => {
      assert.equal(leases.size, 9);
      assert.deepEqual([report.damage, report.kept], [[], []]);
    });
    assert.ok(fileNames(directory).includes(kept[0]!), 'it stays');
  }));

test('a store of nothing but garbage is kept aside and reported, not silently emptied', () =>
  withDirectory(async (directory) => {
    const journal = await fiveBatches(directory);
    writeFileSync(journal, 'these are not the leases you are looking for'.repeat(99));
    await withStore({ directory }, async ({ leases, report }) => {
      assert.equal(leases.size, 0);
      assert.equal(report.damage[0]?.reason, 'its header is damaged');
      assert.equal(report.kept.length, 1);
      leases.put(lasting(1));
    });
    await withStore({ directory }, ({ leases }) => assert.equal(leases.size, 1));
  }));

test('a damaged snapshot is overlaid by the journal after it, and kept aside', () =>
  withDirectory(async (directory) => {
    await withStore({ directory, compactAbove: 500 }, async (store) => {
      for (let n = 0; n < 10; n++) {
        store.leases.put(lasting(n));
        await store.sync();
        await sleep(5);
      }
    });
    const snapshot = fileNames(directory).find((name) => name.startsWith('snapshot'));
    assert.ok(snapshot !== undefined, 'it was compacted');
    const bytes = readFileSync(join(directory, snapshot));
    bytes[FRAMES_AT + 60]! ^= 1;
    writeFileSync(join(directory, snapshot), bytes);
    await withStore({ directory }, ({ leases, report }) => {
      assert.equal(leases.size, 9);
      assert.equal(report.damage.length, 1);
      assert.deepEqual(report.kept.length, 1);
    });
    await withStore({ directory }, ({ leases, report }) => {
      assert.deepEqual([leases.size, report.damage], [9, []]);
    });
  }));

test('a store of a newer format is refused and left as it is, so that a rolled back server starts nothing over', () =>
  withDirectory(async (directory) => {
    const journal = await fiveBatches(directory);
    const bytes = readFileSync(journal);
    for (const at of [0, 128]) {
      bytes.writeUInt16LE(VERSION + 1, at + 8);
      bytes.writeUInt32LE(crc32c(bytes, at, at + 124, 0), at + 124);
    }
    writeFileSync(journal, bytes);
    await assert.rejects(LeaseStore.open({ directory }), { code: 'ENEWERFORMAT' });
    assert.deepEqual(readFileSync(journal), bytes);
    assert.equal(fileNames(directory).length, 1);
  }));

// --- the lock -------------------------------------------------------------------------------------

test('a store that is open cannot be opened again, and the error names who has it', () =>
  withDirectory(async (directory) => {
    await withStore({ directory }, async () => {
      await assert.rejects(LeaseStore.open({ directory }), {
        code: 'ELOCKED',
        message: new RegExp(`in use by process ${process.pid} `),
      });
    });
    await withStore({ directory }, () => {});
  }));

test('a process that is killed gives the store back', () =>
  withDirectory(async (directory) => {
    const code = `const { LeaseStore } = await import(${JSON.stringify(`${import.meta.dirname}/store.ts`)});
      await LeaseStore.open({ directory: ${JSON.stringify(directory)} });
      console.log('open'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
    await once(child.stdout, 'data');
    await assert.rejects(LeaseStore.open({ directory }), {
      message: new RegExp(`in use by process ${child.pid} `),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await withStore({ directory }, () => {});
  }));

// --- group commit ---------------------------------------------------------------------------------

test('all that is put while one write is under way becomes durable with the next, in order', () =>
  withDirectory(async (directory) => {
    let writes = 0;
    const slow: WriteDurably = (fd, bytes, start, end, position, done) => {
      writes++;
      writeDurably(fd, bytes, start, end, position, (error) => {
        setTimeout(() => done(error), 20);
      });
    };
    await withStore({ directory, write: slow }, async (store) => {
      const told: number[] = [];
      store.onDurable((ticket) => told.push(ticket));
      const first = store.leases.put(lasting(0));
      await sleep(5);
      const rest = Array.from({ length: 500 }, (_, n) => store.leases.put(lasting(n + 1)));
      assert.deepEqual(told, []);
      await store.sync();
      assert.deepEqual(told, [first, rest.at(-1)]);
      assert.equal(writes, 2);
      assert.ok(rest.every((ticket, i) => ticket > (rest[i - 1] ?? first)));
    });
  }));

test('nobody is told before the disk has it', () =>
  withDirectory(async (directory) => {
    const held: (() => void)[] = [];
    const write: WriteDurably = (fd, bytes, start, end, position, done) =>
      writeDurably(fd, bytes, start, end, position, (error) => {
        held.push(() => done(error));
      });
    const store = await LeaseStore.open({ directory, write });
    const told: number[] = [];
    store.onDurable((ticket) => told.push(ticket));
    store.leases.put(lasting(1));
    while (held.length === 0) await sleep(5);
    assert.equal(store.leases.stateOf(address(1)), 'bound', 'others see that it is taken');
    assert.deepEqual(told, []);
    held.shift()?.();
    assert.equal(told.length, 1);
    await store.close();
  }));

// --- failures -------------------------------------------------------------------------------------

/** A disk that fails while `broken` is set, after having written a part, as disks do. */
class BadDisk {
  broken: string | null = null;

  readonly write: WriteDurably = (fd, bytes, start, end, position, done) => {
    const code = this.broken;
    if (code === null) return writeDurably(fd, bytes, start, end, position, done);
    const part = start + Math.floor((end - start) / 2);
    const error = Object.assign(new Error(`fdatasync: ${code}`), { code, operation: 'fdatasync' });
    writeDurably(fd, bytes, start, part, position, () => done(error as SystemError));
  };
}

test('when a sync fails, bindings go back to what is durable, and no ticket of the batch is ever told', () =>
  withDirectory(async (directory) => {
    const disk = new BadDisk();
    await withStore({ directory, write: disk.write }, async (store) => {
      const told: number[] = [];
      const states: string[] = [];
      const failures: (readonly [number, readonly Ipv4[]])[] = [];
      store.onDurable((ticket) => told.push(ticket));
      store.onState(({ kind }) => states.push(kind));
      store.onFailed((...failure) => failures.push(failure));
      store.leases.put(lasting(1, { hostname: 'durable' }));
      store.leases.put(lasting(2));
      await store.sync();
      disk.broken = 'EIO';
      store.leases.put(lasting(1, { hostname: 'not durable' }));
      store.leases.put(lasting(1, { hostname: 'not durable either' }));
      store.leases.put(lasting(2, { state: 'released' }));
      const last = store.leases.put(lasting(3));
      await assert.rejects(store.sync());
      assert.deepEqual(failures, [[last, [1, 2, 3].map(address)]]);
      assert.deepEqual([store.state.kind, states], ['degraded', ['degraded']]);
      assert.equal(store.leases.get(address(1))?.hostname, 'durable');
      assert.equal(store.leases.stateOf(address(3)), 'free');
      assert.equal(store.leases.stateOf(address(2)), 'released', 'what frees an address stays');

      assert.equal(store.leases.put(lasting(4)), 0, 'no binding is taken');
      assert.ok(store.leases.put(lasting(1, { state: 'declined' })) > last);
      const before = told.length;
      disk.broken = null;
      await untilReady(store);
      await store.sync();
      assert.ok(told.slice(before).every((ticket) => ticket > last));
      assert.ok(store.leases.put(lasting(4)) > last);
    });
    await withStore({ directory }, ({ leases, report }) => {
      assert.deepEqual(report.damage, []);
      assert.deepEqual(
        [1, 2, 3, 4].map((n) => leases.stateOf(address(n))),
        ['declined', 'released', 'free', 'bound'],
      );
    });
  }));

async function untilReady(store: LeaseStore): Promise<void> {
  while (store.state.kind !== 'ready') await sleep(20);
}

test('a disk that fails again and again, under load, costs no lease that was told', () =>
  withDirectory(async (directory) => {
    const disk = new BadDisk();
    const told = new Map<Ipv4, string>();
    await withStore({ directory, write: disk.write, compactAbove: 5000 }, async (store) => {
      noteTold(store, told);
      for (let round = 0; round < 6; round++) {
        disk.broken = null;
        await untilReady(store);
        await renewals(store, 500 * round, 470);
        disk.broken = 'EIO';
        await renewals(store, 500 * round + 470, 30);
        while (store.state.kind === 'ready') await sleep(1);
      }
      disk.broken = null;
      await untilReady(store);
      await store.sync();
      assert.deepEqual(contents(store), [...told.values()].sort());
    });
    await withStore({ directory }, (store) => {
      assert.deepEqual(store.report.damage, []);
      assert.deepEqual(contents(store), [...told.values()].sort());
    });
  }));

const puts: { ticket: number; lease: Lease }[] = [];

/** Keeps in `told` what clients may have been told. */
function noteTold(store: LeaseStore, told: Map<Ipv4, string>): void {
  store.onDurable((ticket) => {
    while (puts[0] !== undefined && puts[0].ticket <= ticket) {
      const { lease } = puts.shift()!;
      told.set(lease.address, written(lease));
    }
  });
  store.onFailed(() => puts.splice(0));
}

async function renewals(store: LeaseStore, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const lease = lasting(n % 40, { hostname: `version ${n}` });
    const ticket = store.leases.put(lease);
    if (ticket !== 0) puts.push({ ticket, lease });
    if (n % 10 === 0) await sleep(1);
  }
}

test('a disk that does not answer fills a bounded buffer, then bindings are refused, and nothing is lost', () =>
  withDirectory(async (directory) => {
    const held: (() => void)[] = [];
    const write: WriteDurably = (...args) => held.push(() => writeDurably(...args));
    const store = await LeaseStore.open({ directory, write });
    let taken = 0;
    while (taken < 100_000 && store.leases.put(lasting(taken)) !== 0) {
      if (taken++ === 0) await sleep(5);
    }
    assert.ok(taken > 50_000 && taken < 70_000, `${taken} of 140 octets are 8 MiB`);
    assert.ok(store.leases.put(lasting(0, { state: 'released' })) > 0, 'a release is remembered');
    const done = store.close();
    const pump = setInterval(() => held.shift()?.(), 1);
    await done;
    clearInterval(pump);
    await withStore({ directory }, ({ leases }) => {
      assert.equal(leases.size, taken);
      assert.equal(leases.stateOf(address(0)), 'released');
    });
  }));

test('a file that cannot be read keeps no descriptor, however often that is tried', () =>
  withDirectory(async (directory) => {
    // A folder can be opened, and not be read.
    mkdirSync(join(directory, 'journal-000000000000001'));
    const open = (): number => readdirSync('/proc/self/fd').length;
    await assert.rejects(LeaseStore.open({ directory }), { code: 'EISDIR' });
    const before = open();
    for (let i = 0; i < 5; i++) await assert.rejects(LeaseStore.open({ directory }));
    assert.equal(open(), before);
  }));

// --- time -----------------------------------------------------------------------------------------

class TestClock implements ClockSource {
  bootId = new Uint8Array(16).fill(1);
  millis = 1000;
  ahead = NEW_YEAR;

  boot(): number {
    return this.millis;
  }

  wall(): WallMillis {
    return (this.millis + this.ahead) as WallMillis;
  }

  reboot(): void {
    this.bootId = Uint8Array.from(this.bootId, (octet) => octet + 1);
    this.ahead += this.millis;
    this.millis = 0;
  }
}

for (const [name, step] of [
  ['50 years forward', 50 * 365 * 24 * HOUR],
  ['to 1970', -NEW_YEAR],
] as const) {
  test(`a wall clock that steps ${name} while the server runs expires nothing, now or at the next start`, () =>
    withDirectory(async (directory) => {
      const clock = new TestClock();
      const live = (): number => store.leases.counts('10.0.0.0/8').bound;
      let store = await LeaseStore.open({ directory, clock });
      store.leases.put(aLease(1, { expires: store.now() + HOUR }));
      clock.millis += HOUR / 2;
      clock.ahead += step;
      store.leases.expire(store.now(), 9);
      assert.equal(live(), 1);
      assert.equal(store.wallAt(store.now()), clock.wall(), 'people see the wall clock');
      await store.close();
      store = await LeaseStore.open({ directory, clock });
      assert.equal(live(), 1, 'after a restart');
      store.leases.put(aLease(2, { expires: store.now() + HOUR }));
      await store.close();
      clock.reboot();
      clock.millis = HOUR / 4;
      store = await LeaseStore.open({ directory, clock });
      assert.equal(live(), 2, 'after a reboot');
      clock.millis += HOUR / 4;
      assert.equal(store.leases.expire(store.now(), 9).length, 1, 'and each ends in its time');
      await store.close();
    }));
}

test('time passes while the machine is off, and leases end meanwhile', () =>
  withDirectory(async (directory) => {
    const clock = new TestClock();
    await withStore({ directory, clock }, (store) => {
      store.leases.put(aLease(1, { expires: store.now() + HOUR }));
      store.leases.put(aLease(2, { expires: store.now() + 3 * HOUR }));
    });
    clock.reboot();
    clock.ahead += 2 * HOUR;
    await withStore({ directory, clock }, ({ leases }) => {
      assert.deepEqual(
        [1, 2].map((n) => leases.stateOf(address(n))),
        ['expired', 'bound'],
      );
    });
  }));

// --- compaction -----------------------------------------------------------------------------------

test('journals do not grow without end while leases are renewed', () =>
  withDirectory(async (directory) => {
    await withStore({ directory, compactAbove: 100_000 }, async (store) => {
      for (let round = 0; round < 100; round++) {
        for (let n = 0; n < 100; n++) store.leases.put(lasting(n, { hostname: `round ${round}` }));
        await store.sync();
        await sleep(1);
      }
      assert.ok(store.statistics.octets > 1_000_000);
      assert.ok(store.statistics.journalOctets < 300_000, `${store.statistics.journalOctets}`);
      assert.equal(store.statistics.compactionFailure, null);
    });
    await withStore({ directory }, ({ leases, report }) => {
      assert.deepEqual([leases.size, report.damage], [100, []]);
      assert.equal(leases.get(address(7))?.hostname, 'round 99');
    });
  }));

test('twenty starts do not leave twenty files', () =>
  withDirectory(async (directory) => {
    for (let n = 0; n < 20; n++) {
      await withStore({ directory }, async (store) => {
        store.leases.put(lasting(n));
        await store.sync();
        await sleep(5);
      });
    }
    assert.ok(fileNames(directory).length < 12, fileNames(directory).join());
    await withStore({ directory }, ({ leases }) => assert.equal(leases.size, 20));
  }));
