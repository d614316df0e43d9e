// Changes leases as fast as it can and says which are durable, until it is killed. Waits for a line on
// standard input: the directory and the number of the first change.
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { LeaseStore } from '../../agent/store/store.ts';
import { address } from '../../agent/store/testleases.ts';
import { changeOf, IN_FLIGHT } from './change.ts';

const STDOUT = 1;
// Low, so that many a kill falls into a compaction.
const COMPACT_ABOVE = 60_000;

process.stdin.once('data', async (line) => {
  const [directory, first] = line.toString().trim().split(' ');
  const store = await LeaseStore.open({ directory: directory!, compactAbove: COMPACT_ABOVE });
  writeSync(STDOUT, 'open\n');
  let version = Number(first);
  const waiting: { ticket: number; version: number }[] = [];

  function fill(): void {
    // Batches of all sizes, as packets come.
    const room = Math.min(IN_FLIGHT - waiting.length, 1 + ((version * 7) % 400));
    for (let i = 0; i < room; i++) {
      const change = changeOf(version);
      const ticket =
        change.kind === 'put'
          ? store.leases.put(change.lease)
          : store.leases.forget(address(change.n));
      assert.ok(ticket > 0);
      waiting.push({ ticket, version: version++ });
    }
    setImmediate(fill);
  }

  store.onDurable((ticket) => {
    let told = 0;
    while (waiting[0] !== undefined && waiting[0].ticket <= ticket) told = waiting.shift()!.version;
    if (told > 0) writeSync(STDOUT, `${told}\n`);
  });
  fill();
});
