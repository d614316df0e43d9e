// node e2e/bench/million.ts [--leases N]: what a store with a million leases costs: to write, on disk, to open, in memory, and in what is
// written with them in place. The opening is measured in a process of its own, whose memory is nothing else's.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LeaseStore } from '../../agent/store/store.ts';
import { address, aLease } from '../../agent/store/testleases.ts';
import { flags } from '../flags.ts';

const RENEWALS = 200_000;

async function putAll(store: LeaseStore, from: number, to: number, again: number): Promise<number> {
  const started = performance.now();
  let last = 0;
  for (let n = from; n < to; ) {
    const ticket = store.leases.put(
      aLease(n, { lastTransaction: store.now() + again, expires: store.now() + 3_600_000 + again }),
    );
    // No room in the batch: what is in it goes to disk first.
    if (ticket === 0) {
      await durable(store, last);
      continue;
    }
    last = ticket;
    n++;
  }
  await durable(store, last);
  return (performance.now() - started) / 1000;
}

function durable(store: LeaseStore, ticket: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.onDurable((done) => {
      if (done < ticket) return;
      stop();
      resolve();
    });
  });
}

/** Opens the store and says how that went; in a process of its own. */
async function open(directory: string): Promise<void> {
  const store = await LeaseStore.open({ directory });
  const rss = process.memoryUsage().rss;
  const { leases, milliseconds } = store.report;
  const seconds = await putAll(store, 0, Math.min(RENEWALS, leases), 1);
  const found = store.leases.get(address(leases - 1)) !== undefined;
  await store.close();
  console.log(JSON.stringify({ leases, milliseconds, rss, seconds, found }));
}

function sizeOf(directory: string): number {
  return readdirSync(directory).reduce(
    (sum, name) => sum + statSync(join(directory, name)).size,
    0,
  );
}

async function main(count: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'million-'));
  try {
    const store = await LeaseStore.open({ directory });
    const written = await putAll(store, 0, count, 0);
    await store.close();
    const text = execFileSync(process.execPath, [import.meta.filename, '--open', directory]);
    const found = JSON.parse(String(text)) as {
      leases: number;
      milliseconds: number;
      rss: number;
      seconds: number;
    };
    const renewals = Math.min(RENEWALS, count);
    console.log(`${found.leases.toLocaleString('en')} leases`);
    console.log(
      `written   ${Math.round(count / written).toLocaleString('en')} a second, each durable`,
    );
    console.log(`on disk   ${Math.round(sizeOf(directory) / 1e6)} MB`);
    console.log(`opened in ${(found.milliseconds / 1000).toFixed(2)} s`);
    console.log(`memory    ${Math.round(found.rss / 1e6)} MB resident`);
    console.log(
      `renewed   ${Math.round(renewals / found.seconds).toLocaleString('en')} a second, each durable`,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const { leases, open: directory } = flags('node e2e/bench/million.ts [--leases N]', {
  leases: 1_000_000,
  open: '',
});
await (directory === '' ? main(leases) : open(directory));
