import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { ENTRY, PacketSocket, type PacketSocketOptions, SLOT } from './packet.ts';

/** Declares a test that needs network namespaces: skipped with a reason without root, but failing then when CI=true. */
export function networkTest(name: string, run: (net: TestNet) => Promise<void> | void): void {
  const missing = process.getuid?.() === 0 ? null : 'needs root for network namespaces';
  if (missing !== null && process.env.CI !== 'true') {
    test(name, { skip: missing }, () => {});
    return;
  }
  test(name, { timeout: 30_000 }, async () => {
    assert.equal(missing, null, 'CI must not skip it');
    const net = new TestNet();
    try {
      await run(net);
    } finally {
      net.remove();
    }
  });
}

let made = 0;

/**
 * A namespace of its own for one test, with a veth pair inside it:
 *
 *     near (02:00:00:00:00:01) ═══════ far (02:00:00:00:00:02)
 */
export class TestNet {
  readonly name = `packet-test-${process.pid}-${++made}`;
  readonly path = `/run/netns/${this.name}`;
  readonly near: number;
  readonly far: number;
  readonly #closables: { close(): void }[] = [];

  constructor() {
    run('ip', 'netns', 'add', this.name);
    this.exec('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
    this.ip('link add near address 02:00:00:00:00:01 type veth peer far address 02:00:00:00:00:02');
    this.ip('link set near up');
    this.ip('link set far up');
    this.near = this.ifindex('near');
    this.far = this.ifindex('far');
  }

  ip(words: string): string {
    return run('ip', '-n', this.name, ...words.split(' '));
  }

  exec(...command: readonly string[]): string {
    return run('ip', 'netns', 'exec', this.name, ...command);
  }

  ifindex(link: string): number {
    return Number.parseInt(this.ip(`-o link show ${link}`), 10);
  }

  /** A socket for sending only. */
  sender(options: Partial<PacketSocketOptions> = {}): PacketSocket {
    return this.closing(openSender(this, options));
  }

  /** A socket that keeps what arrives at `far`. */
  catcher(options: Partial<PacketSocketOptions> = {}): Catcher {
    const catcher = new Catcher({ netns: this.path, ifindex: this.far, ...options });
    this.closing(catcher.socket);
    return catcher;
  }

  /** Closes it at the end of the test, whatever comes. */
  closing<Closable extends { close(): void }>(closable: Closable): Closable {
    this.#closables.push(closable);
    return closable;
  }

  remove(): void {
    for (const closable of this.#closables) closable.close();
    run('ip', 'netns', 'delete', this.name);
  }
}

/** Runs a command to its end and gives what it printed; throws with what it complained about. */
export function run(command: string, ...words: readonly string[]): string {
  return execFileSync(command, words, { encoding: 'utf8' });
}

/** A socket for sending only, in the namespace of `net`. */
function openSender(
  net: Pick<TestNet, 'path'>,
  options: Partial<PacketSocketOptions> = {},
): PacketSocket {
  return PacketSocket.open({
    netns: net.path,
    protocol: 0,
    cooked: true,
    filter: NOTHING,
    onBatch: () => assert.fail('a socket of protocol 0 receives nothing'),
    ...options,
  });
}

/** Sends `count` packets of zeros from `near` to everyone. */
export function shout(net: Pick<TestNet, 'path' | 'near'>, count: number): void {
  const socket = openSender(net);
  const entry = { ...TO_ALL, HEAD_LENGTH: 20, IFINDEX: net.near, PROTOCOL: EXPERIMENTAL };
  assert.equal(socket.send(entriesOf(...Array(count).fill(entry)), count), 0);
  socket.close();
}

/** IEEE Std 802 local experimental EtherType: a kernel leaves it alone. */
export const EXPERIMENTAL = 0x88b5;

/** The filter `ret #262144`: everything passes. */
export const EVERYTHING = filter([0x06, 0, 0, 262144]);

/** The filter `ret #0`: nothing passes. */
export const NOTHING = filter([0x06, 0, 0, 0]);

/** Assembles struct sock_filter by struct sock_filter. */
export function filter(...program: (readonly [number, number, number, number])[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, jt, jf, k], i) => {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(jt, i * 8 + 2);
    bytes.writeUInt8(jf, i * 8 + 3);
    bytes.writeUInt32LE(k, i * 8 + 4);
  });
  return bytes;
}

/** A packet as it lay in its slot. */
export interface Caught {
  readonly bytes: Buffer;
  /** SLOT.WORDS words. */
  readonly meta: Uint32Array;
}

/** A packet socket that keeps copies of what it receives. */
export class Catcher {
  readonly caught: Caught[] = [];
  readonly batches: number[] = [];
  readonly socket: PacketSocket;
  readonly #events = new EventTarget();

  constructor(options: Partial<PacketSocketOptions> = {}) {
    this.socket = PacketSocket.open({
      protocol: EXPERIMENTAL,
      cooked: true,
      filter: EVERYTHING,
      onBatch: (count) => this.#keep(count),
      ...options,
    });
  }

  #keep(count: number): void {
    this.batches.push(count);
    for (let i = 0; i < count; i++) {
      const meta = this.socket.slotMeta.slice(i * SLOT.WORDS, (i + 1) * SLOT.WORDS);
      const start = meta[SLOT.START]!;
      const bytes = Buffer.from(this.socket.ring.subarray(start, start + meta[SLOT.LENGTH]!));
      this.caught.push({ bytes, meta });
    }
    this.#events.dispatchEvent(new Event('batch'));
  }

  /** Waits until so many packets have come in all. */
  async until(count: number): Promise<readonly Caught[]> {
    while (this.caught.length < count) await once(this.#events, 'batch');
    return this.caught;
  }
}

/** One entry of `send`, by name; what is not named is 0. */
export type EntryFields = Partial<Record<Exclude<keyof typeof ENTRY, 'WORDS'>, number>>;

/** The Ethernet broadcast address. */
export const TO_ALL = { HARDWARE_LENGTH: 6, HARDWARE_HIGH: 0xffffffff, HARDWARE_LOW: 0xffff0000 };

/** Lays out entries as `send` takes them. */
export function entriesOf(...fields: readonly EntryFields[]): Uint32Array {
  const words = new Uint32Array(fields.length * ENTRY.WORDS);
  fields.forEach((entry, i) => {
    for (const [name, value] of Object.entries(entry)) {
      words[i * ENTRY.WORDS + ENTRY[name as keyof EntryFields]] = value;
    }
  });
  return words;
}

/** The errno of each entry after `send`. */
export function errorsOf(entries: Uint32Array): number[] {
  return Array.from({ length: entries.length / ENTRY.WORDS }, (_, i) => {
    return entries[i * ENTRY.WORDS + ENTRY.ERROR]!;
  });
}

/** A thread that sends packets from `near` to everyone as fast as it can. */
export class Flood {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async start(net: Pick<TestNet, 'path' | 'near'>): Promise<Flood> {
    const worker = new Worker(FLOOD, {
      eval: true,
      execArgv: [],
      workerData: { packet: PACKET_MODULE, netns: net.path, ifindex: net.near, EXPERIMENTAL },
    });
    await once(worker, 'message');
    return new Flood(worker);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

const PACKET_MODULE = new URL('./packet.ts', import.meta.url).href;

const FLOOD = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.packet).then(({ ENTRY, PacketSocket }) => {
  const socket = PacketSocket.open({
    netns: workerData.netns, protocol: 0, cooked: true,
    filter: Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0), onBatch: () => {},
  });
  const entries = new Uint32Array(64 * ENTRY.WORDS);
  for (let at = 0; at < entries.length; at += ENTRY.WORDS) {
    entries[at + ENTRY.HEAD_LENGTH] = 100;
    entries[at + ENTRY.IFINDEX] = workerData.ifindex;
    entries[at + ENTRY.PROTOCOL] = workerData.EXPERIMENTAL;
    entries[at + ENTRY.HARDWARE_LENGTH] = 6;
    entries[at + ENTRY.HARDWARE_HIGH] = 0xffffffff;
    entries[at + ENTRY.HARDWARE_LOW] = 0xffff0000;
  }
  const flood = () => { socket.send(entries, 64); setImmediate(flood); };
  flood();
  parentPort.postMessage('flooding');
});
`;

/**
 * Runs a module in a process of its own, under `wrapper` if one is given (`setpriv …`), and gives what
 * it printed. In its scope: what agent/net's packet, rawip, links and testnet export, and `net`.
 */
export async function runModule(
  net: TestNet,
  code: string,
  options: { readonly wrapper?: readonly string[]; readonly flags?: readonly string[] } = {},
): Promise<string> {
  const { path, near, far } = net;
  const files = ['packet', 'rawip', 'links', 'testnet'].map((name) => {
    return `...await import(${JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href)})`;
  });
  const prelude = `
    import { readdirSync, readFileSync } from 'node:fs';
    import { setTimeout as delay } from 'node:timers/promises';
    const { PacketSocket, RawIpSocket, holdPort, Links, Catcher, Flood, openSender, shout, NOTHING,
      EVERYTHING, EXPERIMENTAL } = {${files.join()}};
    const net = ${JSON.stringify({ path, near, far })};
    const there = { netns: net.path, protocol: EXPERIMENTAL, cooked: true, filter: EVERYTHING };`;
  const words = [...(options.flags ?? []), '--input-type=module', '-e', prelude + code];
  const [command, ...rest] = [...(options.wrapper ?? []), process.execPath, ...words];
  const { stdout } = await promisify(execFile)(command!, rest, { timeout: 20_000 });
  return stdout.trim();
}
