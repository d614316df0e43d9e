// A laboratory: network namespaces with cables between them, in which real programs run. Nothing in it touches the
// machine's own network, and it goes away with the process that made it.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In an emulated machine everything takes its time, the more so when the real one has other things to do. */
const PATIENCE = process.env.DHCP_VM === '1' ? 4 : 1;

let made = 0;

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

// A signal would end the process without its 'exit' handlers, and leave the labs standing.
function takeDownOnSignals(): void {
  for (const [name, number] of Object.entries(SIGNALS) as [NodeJS.Signals, number][]) {
    process.prependOnceListener(name, () => {
      // Somebody who handles the signal takes his labs down himself.
      if (process.listenerCount(name) === 0) process.exit(128 + number);
    });
  }
}

/** Namespaces, cables and processes that belong together. */
export class Lab {
  /** A folder for files of this lab; it goes with it. */
  readonly folder: string;
  readonly nodes = new Map<string, Node>();
  private readonly prefix: string;
  private readonly processes = new Set<Process>();
  private closed = false;

  constructor(name: string) {
    if (made === 0) takeDownOnSignals();
    this.prefix = `dol${process.pid}-${made++}-`;
    this.folder = mkdtempSync(join(tmpdir(), `lab-${name}-`));
    process.once('exit', this.remove);
  }

  /** A host of its own: a network namespace with loopback up. */
  node(name: string): Node {
    const node = new Node(this, name, this.prefix + name);
    run('ip', ['netns', 'add', node.namespace]);
    this.nodes.set(name, node);
    // What another lab left behind would answer too, and spoil everything.
    assert.deepEqual(node.pids(), [], `${node.namespace} holds processes`);
    node.ip('link set lo up');
    return node;
  }

  /** A cable: two ends of a veth, both up. An end is `[node, interface]`. */
  cable([a, ifA]: readonly [Node, string], [b, ifB]: readonly [Node, string]): void {
    a.ip(`link add ${ifA} type veth peer name ${ifB} netns ${b.namespace}`);
    a.ip(`link set ${ifA} up`);
    b.ip(`link set ${ifB} up`);
  }

  /** Takes everything down, processes first; safe to call twice. */
  async close(): Promise<void> {
    await Promise.all([...this.processes].map((process) => process.stop()));
    this.remove();
  }

  /** Lets processes of other users read and write the lab's folder. */
  open(): void {
    chmodSync(this.folder, 0o777);
  }

  /** For Node to note what it started. */
  adopt(process: Process): void {
    this.processes.add(process);
  }

  private readonly remove = (): void => {
    if (this.closed) return;
    this.closed = true;
    process.removeListener('exit', this.remove);
    for (const node of this.nodes.values()) {
      for (const pid of node.pids()) tryTo(() => process.kill(pid, 'SIGKILL'));
      tryTo(() => run('ip', ['netns', 'del', node.namespace]));
    }
    rmSync(this.folder, { recursive: true, force: true });
  };
}

/** How a process is started. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** One host of a lab. */
export class Node {
  readonly lab: Lab;
  readonly name: string;
  /** The name that `ip netns` knows it by. */
  readonly namespace: string;

  constructor(lab: Lab, name: string, namespace: string) {
    this.lab = lab;
    this.name = name;
    this.namespace = namespace;
  }

  /** `ip` in this namespace; several commands may be given, one a line. */
  ip(commands: string): string {
    return run('ip', ['-n', this.namespace, '-batch', '-'], `${commands}\n`);
  }

  /** Runs a command to its end and returns what it printed; throws when it fails. */
  run(command: string, ...args: string[]): string {
    return run('nsenter', [`--net=/run/netns/${this.namespace}`, command, ...args]);
  }

  /** Starts a process that goes on. */
  start(command: string, args: readonly string[], options: StartOptions = {}): Process {
    const enter = [`--net=/run/netns/${this.namespace}`, command, ...args];
    const started = new Process(
      `${this.name}: ${command.split('/').at(-1)}`,
      'nsenter',
      enter,
      options,
    );
    this.lab.adopt(started);
    return started;
  }

  /** The hardware address of an interface, `02:00:00:00:00:0a`. */
  mac(ifname: string): string {
    // Not from /sys, which shows the network that it was mounted in.
    const text = run('ip', ['-n', this.namespace, '-o', 'link', 'show', 'dev', ifname]);
    return /link\/ether (\S+)/.exec(text)?.[1] ?? assert.fail(`${ifname} has no hardware address`);
  }

  /** The IPv4 addresses of an interface. */
  addresses(ifname: string): string[] {
    const text = run('ip', ['-n', this.namespace, '-4', '-o', 'addr', 'show', 'dev', ifname]);
    return [...text.matchAll(/inet ([\d.]+)/g)].map((match) => match[1]!);
  }

  /** The processes whose network this is. */
  pids(): number[] {
    const inode = statSync(`/run/netns/${this.namespace}`).ino;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && namespaceOf(name) === `net:[${inode}]`)
      .map(Number);
  }
}

/** A program that runs in a lab, and all that it has printed. */
export class Process {
  readonly title: string;
  output = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;
  private waiting: (() => void)[] = [];
  private over = false;

  constructor(title: string, command: string, args: readonly string[], options: StartOptions) {
    this.title = title;
    this.child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const take = (chunk: Buffer): void => {
      this.output += chunk;
      this.wake();
    };
    this.child.stdout?.on('data', take);
    this.child.stderr?.on('data', take);
    this.ended = new Promise<number | null>((resolve) => {
      this.child.once('error', (error) => {
        this.output += `${error}\n`;
        resolve(null);
      });
      this.child.once('close', resolve);
      // A grandchild may hold the pipes open for ever. After the time what they hold is read first: on a busy machine it
      // may have run out before anybody looked.
      this.child.once('exit', (status) => {
        setTimeout(() => setTimeout(() => setImmediate(resolve, status), 1), 200);
      });
    }).then((status) => {
      this.over = true;
      this.wake();
      return status;
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until the output holds this; fails with all the output when the process ends first or time is up. */
  async line(pattern: RegExp, seconds = 20): Promise<RegExpExecArray> {
    const found = await this.until(() => pattern.exec(this.output), seconds, String(pattern));
    return found;
  }

  /** Waits for the process's own end, and returns its exit status. */
  async end(seconds = 30): Promise<number | null> {
    await this.until(() => (this.over ? true : null), seconds, 'its end');
    return this.ended;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Ends it: a request, and after ten seconds force. Returns the exit status. */
  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.over) this.child.kill(name);
    const force = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    const status = await this.ended;
    clearTimeout(force);
    return status;
  }

  private async until<T>(test: () => T | null, seconds: number, what: string): Promise<T> {
    const deadline = Date.now() + seconds * PATIENCE * 1000;
    for (;;) {
      const found = test();
      if (found !== null) return found;
      const left = deadline - Date.now();
      if (this.over || left <= 0) {
        const how = this.over ? 'it ended' : `${seconds} s went by`;
        throw new Error(`${this.title}: waited for ${what}, but ${how}. It said:\n${this.output}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Waits until `test` gives something, asking every 20 ms. */
export async function eventually<T>(
  what: string,
  test: () => T | null | false,
  seconds = 15,
): Promise<T> {
  const deadline = Date.now() + seconds * PATIENCE * 1000;
  for (;;) {
    const found = test();
    if (found !== null && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function run(command: string, args: readonly string[], input?: string): string {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      stdio: 'pipe',
      ...(input === undefined ? {} : { input }),
    });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(
      `${command} ${args.join(' ')}${input ? ` <<< ${input.trim()}` : ''}: ${stderr ?? error}`,
    );
  }
}

function namespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
}

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // Gone already.
  }
}
