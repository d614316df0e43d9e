import type { Logger } from 'pino';
import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis, WallMillis } from '../../codec/machine.ts';
import { childName } from '../../crds/assignment.ts';
import { Contender } from '../../crds/client/elect.ts';
import type { Kube, KubeError, OwnerReference } from '../../crds/client/kube.ts';
import { DHCP_SERVERS } from '../../crds/client/resources.ts';
import type { Document } from '../../crds/document.ts';
import { type ElectionOptions, UNLIMITED } from '../../crds/election.ts';
import type { IntentConfig } from '../../crds/types/serverconfig.ts';
import { isLater, leaseFromObject } from '../core/lease/adopt.ts';
import type { LeaseOwner, LeaseTerms } from '../core/lease/object.ts';
import type { LeaseObjects as Which } from '../core/publish.ts';
import type { ServerGate } from '../servers.ts';
import type { LeaseStore } from '../store/store.ts';
import type { LocalCopy } from './copy.ts';
import { isBinding, LeaseObjects, type LeaseObjectsListener } from './leases.ts';
import { Publisher } from './publisher.ts';
import { Revocations } from './revocations.ts';
import { readTerm, writeTerm } from './term.ts';

/** A server of the cluster, as its agent on one node sees it. */
export interface ServerMemberParts {
  readonly kube: Kube;
  readonly object: { readonly namespace: string; readonly name: string };
  readonly node: string;
  readonly term: LocalCopy;
  readonly revoked: LocalCopy;
  readonly log: Logger;
  now(): Millis;
  /** Whether the server may answer has changed; resolves when it does what follows. */
  gateChanged(): Promise<void>;
  /** What is wanted of single addresses has changed. */
  intentsChanged(): void;
  onError(error: KubeError): void;
}

/** What the configuration says of the server besides how to serve. */
export interface ServerSettings {
  /** Whether other agents stand by. */
  readonly failover: boolean;
  readonly which: Which;
  readonly owner: OwnerReference | null;
  readonly terms: LeaseTerms;
  /** What is wanted of single addresses, and in force. */
  readonly intents: readonly IntentConfig[];
}

/** The others wait for 8 s, the holder stops after 5 s: a client tries again after 4 s, 8 s and 16 s (RFC 2131 §4.1). */
const SHARED = { duration: 8_000, renewWithin: 5_000, retry: 2_000 } as const;
const SOLE = { ...SHARED, duration: UNLIMITED } as const;

/**
 * Takes part in serving one DhcpServer: contends for its Lease, follows its DhcpLeases while another agent answers, takes over
 * with them, and tells Kubernetes of every lease while it answers itself.
 */
export class ServerMember implements ServerGate, LeaseObjectsListener {
  private readonly parts: ServerMemberParts;
  private readonly objects: LeaseObjects;
  private readonly revocations: Revocations;
  private contender: Contender | null = null;
  private publisher: Publisher | null = null;
  private store: LeaseStore | null = null;
  private settings: ServerSettings | null = null;
  private intentsByName: ReadonlyMap<string, readonly IntentConfig[]> = new Map();
  private current: number | null = null;
  /** Held for good when this node was last up, so that nobody else can have it, whether the API server answers or not. */
  private assumed = false;

  constructor(parts: ServerMemberParts) {
    this.parts = parts;
    this.objects = new LeaseObjects(parts.kube, parts.object, this);
    this.revocations = new Revocations({
      server: `${parts.object.namespace}/${parts.object.name}`,
      copy: parts.revoked,
      log: parts.log,
      isThere: () => this.serverIsThere(),
      bound: () => this.bound(),
      lease: (address) => this.store?.leases.get(address),
      isBack: (address) => this.objects.ofAddress(address).length > 0,
      restore: (address) => this.publisher?.changed(address),
      changed: () => parts.intentsChanged(),
    });
  }

  epoch(): number | null {
    return this.current;
  }

  mayAnswer(): boolean {
    if (this.contender?.holds() === true) return true;
    const holder = this.contender?.holder ?? null;
    return this.assumed && (holder === null || holder === this.parts.node);
  }

  /** What users want of addresses. */
  intents(): readonly Document[] {
    return [...this.objects.intents(), ...this.revocations.documents()];
  }

  /** How many leases the objects may not tell of yet. */
  get behind(): number {
    return this.publisher?.behind ?? 0;
  }

  /** A configuration is in force, and its store open. */
  configured(store: LeaseStore, settings: ServerSettings): void {
    const before = this.settings;
    this.store = store;
    this.settings = settings;
    this.intentsByName = Map.groupBy(settings.intents, ({ source }) => source);
    if (before === null) {
      this.begin(store);
      return;
    }
    this.contender?.configure(this.options());
    if (before.which !== settings.which) this.publisher?.everything();
    else this.publisher?.intentsChanged();
  }

  /** To be called every second or so. */
  look(): void {
    if (this.assumed && !this.mayAnswer()) this.onFollow();
  }

  /** The record of an address has changed. */
  leaseChanged(address: Ipv4): void {
    this.revocations.leaseChanged(address);
    this.publisher?.changed(address);
  }

  changed(address: Ipv4): void {
    if (this.current === null) this.adopt(address);
    else this.publisher?.changed(address);
  }

  intentsChanged(): void {
    this.parts.intentsChanged();
  }

  bindingDeleted(address: Ipv4): void {
    if (this.current !== null) this.revocations.deleted(address);
  }

  /** Stops answering, and lets another take over at once. */
  async stop(): Promise<void> {
    this.publisher?.stop();
    this.objects.close();
    this.revocations.stop();
    // A sole holder keeps the Lease: nobody else is there, and it will be back.
    if (this.settings?.failover === true) await this.contender?.resign();
  }

  private begin(store: LeaseStore): void {
    const { parts } = this;
    const { kube, object } = parts;
    const term = readTerm(parts.term);
    this.publisher = new Publisher({
      kube,
      leases: store.leases,
      objects: this.objects,
      owner: () => this.settings?.owner ?? null,
      server: () => this.owner(store),
      which: () => this.settings?.which ?? 'All',
      intents: (name) => this.intentsByName.get(name) ?? [],
      leaseNow: () => store.now(),
      withheld: (address) => this.revocations.has(address),
      now: parts.now,
      onError: parts.onError,
    });
    this.contender = new Contender({
      kube,
      lease: { namespace: object.namespace, name: childName('DhcpServer', object.name) },
      fieldManager: 'dhcp-agent',
      owner: () => this.settings?.owner ?? null,
      options: this.options(term?.epoch),
      now: parts.now,
      wall: () => Date.now() as WallMillis,
      onLead: (epoch) => void this.lead(epoch),
      onFollow: () => this.onFollow(),
      onError: parts.onError,
    });
    if (term?.sole === true && this.settings?.failover === false) {
      this.assumed = true;
      this.current = term.epoch;
      void parts.gateChanged();
    }
  }

  private options(epochAbove?: number): ElectionOptions {
    const times = this.settings?.failover === true ? SHARED : SOLE;
    return {
      ...times,
      identity: this.parts.node,
      ...(epochAbove === undefined ? {} : { epochAbove }),
    };
  }

  // What the others have granted must be known before the first answer.
  private async lead(epoch: number): Promise<void> {
    await this.objects.ready;
    if (!this.mayAnswer()) return;
    const { log, term } = this.parts;
    const adopted = this.adoptAll();
    writeTerm(term, { epoch, sole: this.settings?.failover === false });
    log.info({ epoch, adopted }, 'this agent serves');
    if (this.current === null) {
      this.current = epoch;
      await this.parts.gateChanged();
    }
    this.publisher?.start();
  }

  private onFollow(): void {
    this.assumed = false;
    this.current = null;
    this.publisher?.stop();
    const holder = this.contender?.holder ?? null;
    this.parts.log.info({ holder }, 'this agent stands by');
    void this.parts.gateChanged();
  }

  private adoptAll(): number {
    let adopted = 0;
    for (const address of this.objects.addresses()) if (this.adopt(address)) adopted++;
    return adopted;
  }

  private adopt(address: Ipv4): boolean {
    const { store } = this;
    if (store === null) return false;
    const ahead = store.now() - Date.now();
    let adopted = false;
    for (const object of this.objects.ofAddress(address)) {
      const lease = leaseFromObject(object, { leaseAt: (wall) => wall + ahead });
      if (lease === null || !isLater(lease, store.leases.get(address))) continue;
      store.leases.put(lease);
      adopted = true;
    }
    return adopted;
  }

  private owner(store: LeaseStore): LeaseOwner {
    const { object, node } = this.parts;
    return {
      server: `${object.namespace}/${object.name}`,
      node,
      epoch: this.current ?? 0,
      terms: this.settings?.terms ?? null,
      wallAt: (time) => store.wallAt(time),
    };
  }

  private bound(): number {
    let bound = 0;
    for (const one of this.objects.all())
      if (isBinding(one) && one.status?.state === 'Bound') bound++;
    return bound;
  }

  private async serverIsThere(): Promise<boolean> {
    const { kube, object } = this.parts;
    const server = await kube.get(DHCP_SERVERS, object);
    return server !== null && server.metadata.deletionTimestamp === undefined;
  }
}
