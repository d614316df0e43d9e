import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Leases } from '../../agent/core/lease/table.ts';
import { listFiles } from '../../agent/store/files.ts';
import { loadFiles } from '../../agent/store/load.ts';
import { address } from '../../agent/store/testleases.ts';
import { ADDRESSES, changeOf, IN_FLIGHT, versionOf } from './change.ts';

/** What a run of rounds came to. */
export interface Tally {
  rounds: number;
  /** Kills that hit while the store was being opened. */
  whileOpening: number;
  /** Kills that hit while a compaction was under way. */
  whileCompacting: number;
  /** Kills that left a torn tail. */
  torn: number;
  /** Changes that were told to be durable. */
  told: number;
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly directory: string;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Told after each round. */
  readonly progress?: (tally: Tally) => void;
}

type Victim = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Kills a process that changes leases, again and again, and looks each time whether everything that it told to be durable is
 * in its store. Throws at the first lease lost.
 */
export async function killRounds(options: RoundsOptions): Promise<Tally> {
  const directory = join(options.directory, 'leases');
  mkdirSync(directory);
  const tally: Tally = { rounds: 0, whileOpening: 0, whileCompacting: 0, torn: 0, told: 0 };
  const witness = new Witness(directory, tally);
  // The next one starts while this one works: starting takes longer than being killed.
  let next = newVictim();
  try {
    while (tally.rounds < options.rounds) {
      const victim = next;
      next = newVictim();
      await killOne(victim, witness, options.random);
      await witness.look();
      tally.rounds++;
      options.progress?.(tally);
    }
  } finally {
    next.kill('SIGKILL');
  }
  return tally;
}

function newVictim(): Victim {
  const file = join(import.meta.dirname, 'victim.ts');
  return spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function killOne(victim: Victim, witness: Witness, random: () => number): Promise<void> {
  let text = '';
  let lines = 0;
  // Some are killed while they open the store, the others after so many batches.
  const enough = random() < 0.2 ? 0 : 1 + Math.floor(random() * 40);
  const worked = new Promise<void>((resolve) => {
    victim.stdout.on('data', (data: Buffer) => {
      text += data;
      for (const octet of data) if (octet === NEWLINE) lines++;
      if (lines >= enough) resolve();
    });
    victim.once('exit', () => resolve());
    if (enough === 0) resolve();
  });
  const ended = once(victim, 'close');
  victim.stdin.write(`${witness.directory} ${witness.next}\n`);
  await worked;
  await sleep(enough === 0 ? random() * 30 : random() * 2);
  victim.kill('SIGKILL');
  const [, signal] = await ended;
  assert.equal(signal, 'SIGKILL', `the victim ended by itself: ${text}`);
  witness.hear(text);
}

const NEWLINE = 10;

/** Knows what has been told, and compares it with what is there. */
class Witness {
  readonly directory: string;
  /** The number that the next victim goes on with. */
  next = 1;
  private told = 0;
  private readonly tally: Tally;
  /** The last change to each address that was told to be durable. */
  private readonly durable = new Array<number>(ADDRESSES).fill(0);

  constructor(directory: string, tally: Tally) {
    this.directory = directory;
    this.tally = tally;
  }

  /** Takes in what a victim said. The last line may be cut off, then it was not said. */
  hear(text: string): void {
    const lines = text.split('\n').slice(0, -1);
    if (lines[0] !== 'open') this.tally.whileOpening++;
    const last = Number(lines.slice(1).at(-1) ?? this.next - 1);
    for (let version = this.next; version <= last; version++) {
      this.durable[changeOf(version).n] = version;
      this.tally.told++;
    }
    this.told = last;
  }

  async look(): Promise<void> {
    const leases = new Leases({ secret: { low: 1, high: 2 } });
    const { damage, torn, files } = await loadFiles(this.directory, leases);
    assert.deepEqual(damage, [], 'a kill damages nothing');
    if (torn !== null) this.tally.torn++;
    const unfinished = readdirSync(this.directory).some((name) => /^snapshot.*\.tmp$/.test(name));
    const obsolete = (await listFiles(this.directory)).length > files.length;
    if (unfinished || obsolete) this.tally.whileCompacting++;
    for (let n = 0; n < ADDRESSES; n++) this.compare(n, leases);
    this.next = this.told + IN_FLIGHT + 1;
  }

  private compare(n: number, leases: Leases): void {
    const told = this.durable[n]!;
    const lease = leases.get(address(n));
    if (lease !== undefined) {
      const version = versionOf(lease);
      assert.ok(version >= told, `change ${told} of address ${n} is lost, ${version} is there`);
      const change = changeOf(version);
      assert.ok(change.kind === 'put' && change.n === n);
      assert.deepEqual(lease, change.lease, 'exactly as it was put');
      // What is there is durable now, told or not.
      this.durable[n] = version;
    } else if (told !== 0 && changeOf(told).kind === 'put') {
      assert.ok(this.mayBeForgotten(n, told), `change ${told} of address ${n} is lost`);
      this.durable[n] = 0;
    }
  }

  /** Whether a change that was not told any more may have removed it. */
  private mayBeForgotten(n: number, told: number): boolean {
    for (let version = Math.max(told, this.told) + 1; version <= this.told + IN_FLIGHT; version++) {
      const change = changeOf(version);
      if (change.n === n && change.kind === 'forget') return true;
    }
    return false;
  }
}
