import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ServerConfig } from '../crds/types/serverconfig.ts';
import type { LinkState } from './net/links.ts';
import { ServerRole } from './roles/server.ts';
import { LeaseStore } from './store/store.ts';

/** What servers need from the agent around them. */
export interface ServersParts {
  /** A folder in it holds the leases of each server. */
  readonly stateDir: string;
  readonly log: Logger;
  /** A number in [0, 1). */
  readonly random: () => number;
}

interface Running {
  config: ServerConfig;
  readonly role: ServerRole;
  readonly store: LeaseStore;
}

/** The DhcpServers of one process, each with its store of leases. */
export class Servers {
  /** Why those that could not be started could not. */
  readonly failures = new Map<string, string>();
  private readonly running = new Map<string, Running>();
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
    const running = [...this.running.values()].flatMap(({ role, store }) => [
      ...role.notReady(),
      ...(store.state.kind === 'degraded' ? [store.state.reason] : []),
    ]);
    return [...this.failures.values(), ...running];
  }

  *roles(): Iterable<readonly [string, ServerRole]> {
    for (const [name, { role }] of this.running) yield [name, role];
  }

  get size(): number {
    return this.running.size;
  }

  /** Ends all; what has been acknowledged is on disk when this resolves. */
  stop(): Promise<void> {
    this.work = this.work.then(() => this.change([]));
    return this.work;
  }

  private async change(wanted: readonly ServerConfig[]): Promise<void> {
    const names = new Set(wanted.map(({ name }) => name));
    for (const [name, running] of this.running) if (!names.has(name)) await this.end(name, running);
    this.failures.clear();
    for (const config of wanted) {
      const running = this.running.get(config.name);
      if (running === undefined) await this.start(config);
      else if (JSON.stringify(running.config) !== JSON.stringify(config)) {
        running.role.reconfigure(config);
        running.config = config;
      }
    }
  }

  private async start(config: ServerConfig): Promise<void> {
    const { stateDir, log, random } = this.parts;
    const directory = join(stateDir, 'servers', config.name.replaceAll('/', '_'));
    let store: LeaseStore | null = null;
    try {
      store = await LeaseStore.open({ directory });
      this.report(config.name, store);
      const role = new ServerRole({ config, links: this.links, log, store, random });
      this.running.set(config.name, { config, role, store });
    } catch (error) {
      await store?.close();
      const reason = `DhcpServer ${config.name}: ${(error as Error).message}`;
      this.failures.set(config.name, reason);
      log.error({ code: (error as NodeJS.ErrnoException).code }, reason);
    }
  }

  private report(name: string, store: LeaseStore): void {
    const log = this.parts.log.child({ server: name });
    const { leases, milliseconds, damage, kept, torn } = store.report;
    log.info({ leases, milliseconds: Math.round(milliseconds) }, 'leases read');
    if (torn !== null) log.info({ torn }, 'the last record was cut short and never acknowledged');
    if (damage.length > 0)
      log.error({ damage, kept }, 'leases were damaged; what could be read was');
    store.onState((state) => {
      if (state.kind === 'ready') log.info('leases are recorded again');
      else log.error({ code: state.code }, state.reason);
    });
  }

  private async end(name: string, { role, store }: Running): Promise<void> {
    role.stop();
    this.running.delete(name);
    await store.close();
  }
}
