import type { Logger } from 'pino';
import type { Ipv4 } from '../codec/ipv4.ts';
import type { ServerConfig } from '../crds/types/serverconfig.ts';
import type { Lease } from './core/lease.ts';
import type { LinkState } from './net/links.ts';
import { ServerRole } from './roles/server.ts';
import { storeDirectory } from './store/files.ts';
import { LeaseStore } from './store/store.ts';

/** What servers need from the agent around them. */
export interface ServersParts {
  /** A folder in it holds the leases of each server. */
  readonly stateDir: string;
  readonly log: Logger;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Left out: all servers answer. */
  readonly gate?: ServerGate;
}

/** Says whether servers may answer, where others could do it in their place. */
export interface ServerGate {
  /** The fencing number to answer with; null while somebody else answers, and only the store is kept. */
  epoch(): number | null;
  /** Asked before everything that is read or sent. */
  mayAnswer(): boolean;
}

/** A server at work, and where its leases are. */
export interface RunningServer {
  readonly config: ServerConfig;
  readonly role: ServerRole;
  readonly store: LeaseStore;
}

/** Who wants to know what becomes of servers and leases. */
export interface ServersListener {
  /** The record of an address has changed; it need not be durable yet. */
  leaseChanged(server: string, address: Ipv4): void;
  /** A server has taken another configuration. */
  reconfigured(before: ServerConfig, after: ServerConfig): void;
  /** Servers have come or gone. */
  serversChanged(): void;
}

type Running = { -readonly [Key in keyof RunningServer]: RunningServer[Key] };

/** The DhcpServers of one process, each with its store of leases. */
export class Servers {
  /** Why those that could not be started could not. */
  readonly failures = new Map<string, string>();
  private readonly running = new Map<string, Running>();
  /** Those that wait for the gate. */
  private readonly standby = new Map<string, Omit<Running, 'role'>>();
  private readonly listeners = new Set<ServersListener>();
  private readonly parts: ServersParts;
  private links: readonly LinkState[] = [];
  // Opening a store takes time; what is asked for meanwhile waits for its turn.
  private work: Promise<void> = Promise.resolve();

  constructor(parts: ServersParts) {
    this.parts = parts;
  }

  /** Makes what runs what is wanted; resolves when it is so. */
  reconcile(wanted: readonly ServerConfig[], links: readonly LinkState[]): Promise<void> {
    this.links = links;
    this.work = this.work.then(() => this.change(wanted));
    return this.work;
  }

  /** Resolves when all that was asked for so far is done. */
  settled(): Promise<void> {
    return this.work;
  }

  linksChanged(links: readonly LinkState[]): void {
    this.links = links;
    for (const { role } of this.running.values()) role.linksChanged(links);
  }

  notReady(): string[] {
    const running = [...this.running.values()].flatMap(({ role }) => role.notReady());
    return [...this.failures.values(), ...running];
  }

  *roles(): Iterable<readonly [string, ServerRole]> {
    for (const [name, { role }] of this.running) yield [name, role];
  }

  /** Those at work. */
  all(): Iterable<RunningServer> {
    return this.running.values();
  }

  /** Tells a listener from now on; returns what ends that. */
  listen(listener: ServersListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get size(): number {
    return this.running.size + this.standby.size;
  }

  /** The stores of all, of those at work and of those that wait. */
  *stores(): Iterable<readonly [string, LeaseStore]> {
    for (const [name, { store }] of this.running) yield [name, store];
    for (const [name, { store }] of this.standby) yield [name, store];
  }

  /** Whether servers may answer has changed; resolves when what follows from it is done. */
  gateChanged(): Promise<void> {
    this.work = this.work.then(() => this.passGate());
    return this.work;
  }

  /** Ends all; what has been acknowledged is on disk when this resolves. */
  stop(): Promise<void> {
    this.work = this.work.then(() => this.change([]));
    return this.work;
  }

  private async change(wanted: readonly ServerConfig[]): Promise<void> {
    const names = new Set(wanted.map(({ name }) => name));
    await this.endOthers(names);
    for (const name of this.failures.keys()) if (!names.has(name)) this.failures.delete(name);
    for (const config of wanted) {
      const running = this.running.get(config.name);
      const waiting = this.standby.get(config.name);
      if (waiting !== undefined) waiting.config = config;
      else if (running === undefined) await this.start(config);
      else if (JSON.stringify(running.config) !== JSON.stringify(config)) {
        const before = running.config;
        running.role.reconfigure(config);
        running.config = config;
        for (const listener of this.listeners) listener.reconfigured(before, config);
      }
    }
  }

  private async endOthers(names: ReadonlySet<string>): Promise<void> {
    for (const [name, running] of this.running) if (!names.has(name)) await this.end(name, running);
    for (const [name, { store }] of this.standby) {
      if (names.has(name)) continue;
      this.standby.delete(name);
      await store.close();
    }
  }

  private async start(config: ServerConfig): Promise<void> {
    const directory = storeDirectory(this.parts.stateDir, config.name);
    try {
      const store = await LeaseStore.open({ directory });
      this.report(config.name, store);
      this.standby.set(config.name, { config, store });
    } catch (error) {
      this.fail(config, error as Error);
      return;
    }
    await this.passGate();
    if (this.standby.has(config.name)) this.failures.delete(config.name);
  }

  private async passGate(): Promise<void> {
    const { gate } = this.parts;
    const epoch = gate === undefined ? 0 : gate.epoch();
    if (epoch !== null)
      for (const waiting of [...this.standby.values()]) await this.begin(waiting, epoch);
    else for (const running of [...this.running.values()]) this.pause(running);
  }

  private async begin({ config, store }: Omit<Running, 'role'>, epoch: number): Promise<void> {
    const { log, random, gate } = this.parts;
    this.standby.delete(config.name);
    const onLease = ({ address }: Lease): void => {
      for (const listener of this.listeners) listener.leaseChanged(config.name, address);
    };
    const mayAnswer = gate === undefined ? () => true : () => gate.mayAnswer();
    const links = this.links;
    try {
      const role = new ServerRole({ config, links, log, store, random, onLease, epoch, mayAnswer });
      this.running.set(config.name, { config, role, store });
      this.failures.delete(config.name);
      for (const listener of this.listeners) listener.serversChanged();
    } catch (error) {
      await store.close();
      this.fail(config, error as Error);
    }
  }

  private pause({ config, role, store }: Running): void {
    role.stop();
    this.running.delete(config.name);
    this.standby.set(config.name, { config, store });
    for (const listener of this.listeners) listener.serversChanged();
  }

  private fail({ name }: ServerConfig, error: Error): void {
    const reason = `DhcpServer ${name}: ${error.message}`;
    // It is tried again every few seconds, and said once.
    if (this.failures.get(name) === reason) return;
    this.failures.set(name, reason);
    this.parts.log.error({ code: (error as NodeJS.ErrnoException).code }, reason);
  }

  private report(name: string, store: LeaseStore): void {
    const log = this.parts.log.child({ server: name });
    const { leases, milliseconds, damage, kept, torn } = store.report;
    log.info({ leases, milliseconds: Math.round(milliseconds) }, 'leases read');
    if (torn !== null) log.info({ torn }, 'the last record was cut short and never acknowledged');
    if (damage.length > 0)
      log.error({ damage, kept }, 'leases were damaged; what could be read was');
    const tell = (state: LeaseStore['state']): void => {
      if (state.kind === 'ready') log.info('leases can be written again');
      else log.error(`leases cannot be written, nothing new is given: ${state.reason}`);
    };
    if (store.state.kind === 'degraded') tell(store.state);
    store.onState(tell);
  }

  private async end(name: string, { role, store }: Running): Promise<void> {
    role.stop();
    this.running.delete(name);
    for (const listener of this.listeners) listener.serversChanged();
    await store.close();
  }
}
