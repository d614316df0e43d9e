import type { Logger } from 'pino';
import type { Millis } from '../codec/machine.ts';
import type { AgentConfig, RelayConfig } from '../crds/types/agentconfig.ts';
import type { LinkState } from './net/links.ts';
import { RelayRole, type RelayRoleParts } from './roles/relay.ts';
import { type ServerGate, Servers } from './servers.ts';

/** What an agent is given by whoever constructs it. */
export interface AgentParts {
  readonly node: string;
  readonly nodeDuid: Uint8Array;
  readonly log: Logger;
  readonly now: () => Millis;
  /** Where servers keep their leases. */
  readonly stateDir: string;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Says whether servers may answer. Left out: they may. */
  readonly gate?: ServerGate;
}

/** The roles of one process: starts, changes and stops them as configurations come. */
export class Agent {
  readonly relays = new Map<string, RelayRole>();
  readonly servers: Servers;
  /** How many configurations have been applied. */
  generation = 0;
  private readonly parts: AgentParts;
  private readonly configs = new Map<string, RelayConfig>();
  private readonly failures = new Map<string, string>();
  private links: readonly LinkState[] | null = null;
  private config: AgentConfig | null = null;
  private stopped = false;

  constructor(parts: AgentParts) {
    this.parts = parts;
    this.servers = new Servers(parts);
  }

  /** Makes the roles what the configuration says; what has not changed is not touched. */
  async apply(config: AgentConfig): Promise<void> {
    this.config = config;
    this.generation++;
    if (this.links !== null) await this.reconcile();
  }

  /** Interfaces or addresses have changed. Before the first call nothing runs: a packet must find its link known. */
  async linksChanged(links: readonly LinkState[]): Promise<void> {
    const first = this.links === null;
    this.links = links;
    if (first) {
      await this.reconcile();
      return;
    }
    for (const role of this.relays.values()) role.linksChanged(links);
    this.servers.linksChanged(links);
  }

  notReady(): string[] {
    if (this.config === null) return ['no configuration has been accepted yet'];
    if (this.links === null) return ['the interfaces of this node are not known yet'];
    const relays = [...this.relays.values()].flatMap((role) => role.notReady());
    return [...this.failures.values(), ...relays, ...this.servers.notReady()];
  }

  status(): object {
    return {
      node: this.parts.node,
      generation: this.generation,
      notReady: this.notReady(),
      relays: [...this.relays.values()].map((role) => role.status()),
      servers: [...this.servers.roles()].map(([, role]) => role.status()),
    };
  }

  /** Whether no object has been accepted. */
  isIdle(): boolean {
    return this.config === null || this.config.relays.length + this.config.servers.length === 0;
  }

  /** Whether there was something to start and nothing could be. */
  failedEntirely(): boolean {
    const failed = this.failures.size + this.servers.failures.size;
    return failed > 0 && this.relays.size + this.servers.size === 0;
  }

  /** Resolves when what has been asked for so far has been done, or has failed. */
  settled(): Promise<void> {
    return this.servers.settled();
  }

  /** Starts again what could not start before, for example because a device was not there yet. */
  async retry(): Promise<void> {
    if (this.failures.size + this.servers.failures.size > 0) await this.reconcile();
  }

  /** Ends all roles; what is asked for afterwards starts none, since signals may overtake each other. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const name of [...this.relays.keys()]) this.stopRelay(name);
    await this.servers.stop();
  }

  private async reconcile(): Promise<void> {
    if (this.config === null || this.stopped) return;
    const wanted = new Map(this.config.relays.map((relay) => [relay.name, relay]));
    for (const name of [...this.relays.keys()]) if (!wanted.has(name)) this.stopRelay(name);
    for (const name of this.failures.keys()) if (!wanted.has(name)) this.failures.delete(name);
    for (const relay of wanted.values()) this.reconcileRelay(relay);
    await this.servers.reconcile(this.config.servers, this.links ?? []);
  }

  private reconcileRelay(config: RelayConfig): void {
    const { name } = config;
    const old = this.configs.get(name);
    const role = this.relays.get(name);
    if (role !== undefined && old !== undefined) {
      const isSame = same(old, config);
      if (isSame || RelayRole.canReconfigure(old, config)) {
        if (!isSame) role.reconfigure(config);
        this.configs.set(name, config);
        this.failures.delete(name);
        return;
      }
    }
    this.replaceRelay(config);
  }

  // The new one is opened before the old one is closed, so that there is no moment without.
  private replaceRelay(config: RelayConfig): void {
    const { node, nodeDuid, log, now, random } = this.parts;
    const hashSeed = Math.floor(random() * 0x100000000);
    const parts: RelayRoleParts = {
      config,
      links: this.links ?? [],
      node,
      nodeDuid,
      log,
      now,
      hashSeed,
    };
    try {
      const role = new RelayRole(parts);
      this.relays.get(config.name)?.stop();
      this.relays.set(config.name, role);
      this.configs.set(config.name, config);
      this.failures.delete(config.name);
    } catch (error) {
      const reason = `DhcpRelay ${config.name}: ${(error as Error).message}`;
      // It is tried again every few seconds, and said once.
      if (this.failures.get(config.name) === reason) return;
      this.failures.set(config.name, reason);
      log.error({ code: (error as NodeJS.ErrnoException).code }, reason);
    }
  }

  private stopRelay(name: string): void {
    this.relays.get(name)?.stop();
    this.relays.delete(name);
    this.configs.delete(name);
  }
}

/** Configurations hold numbers, texts, lists and octets, all of which JSON tells apart. */
function same(a: RelayConfig, b: RelayConfig): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
