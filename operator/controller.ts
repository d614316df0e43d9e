import type { Logger } from 'pino';
import type { Millis } from '../codec/machine.ts';
import type { AgentKind } from '../crds/assignment.ts';
import {
  type Change,
  type Kube,
  KubeError,
  type KubeFailure,
  type KubeObject,
  type Resource,
} from '../crds/client/kube.ts';
import {
  DHCP_LEASES,
  DHCP_RELAYS,
  DHCP_SERVERS,
  type DhcpLeaseObject,
  type DhcpRelayObject,
  type DhcpServerObject,
  POD_MONITORS,
} from '../crds/client/resources.ts';
import { isIntent } from '../crds/compile/lease.ts';
import { Announcer } from './announcer.ts';
import { type AgentImage, type Child, covers } from './core/children.ts';
import { type Decision, decide } from './core/decide.ts';
import { isUnjudged } from './core/intents.ts';
import { MANAGER } from './core/names.ts';
import { outlived } from './core/outlived.ts';
import { isOfServer, visible } from './core/visible.ts';
import { gather } from './gather.ts';
import { type HeirsParts, letHeirsIn } from './heirs.ts';
import { Judge } from './judge.ts';
import { OptionalKind } from './kinds.ts';
import { Hindrance, Maker } from './maker.ts';
import { WorkQueue } from './queue.ts';
import { View } from './view.ts';

/** What a controller works with. */
export interface ControllerParts {
  readonly kube: Kube;
  readonly image: AgentImage;
  readonly log: Logger;
  /** How Events name this process. */
  readonly instance: string;
  random(): number;
  /** Milliseconds since 1970. */
  wall(): number;
  /** How often is looked for kinds that the cluster may or may not know. */
  readonly kindsLook?: Millis;
}

/** Objects that changed a moment ago are likely to change again at once. */
const RETRY_FIRST: Millis = 200;
const RETRY_LAST: Millis = 60_000;
/** What nobody tells of is looked at now and then, such as leases that have outlived their use. */
const SWEEP: Millis = 10 * 60_000;
/** How long PodMonitors may be known to the cluster before we notice: the Prometheus operator is often installed later. */
const KINDS_LOOK: Millis = 30_000;
const CONCURRENCY = 4;
/** Begins the keys of what users want of the addresses of a server. */
const INTENTS = 'Intents';
/** Failures that are not about the object: after one all wait for as long as the server says, else so long. */
const NOT_ABOUT_IT: ReadonlySet<KubeFailure> = new Set([
  'TooManyRequests',
  'Unreachable',
  'Timeout',
]);
const RESPITE: Millis = 1_000;

/** Makes the cluster what DhcpServers and DhcpRelays say: gathers, decides purely, acts; as often as it takes. */
export class Controller {
  /** Requests that changed something, by resource. */
  readonly writes = new Map<string, number>();
  private readonly parts: ControllerParts;
  private readonly view: View;
  private readonly queue: WorkQueue;
  private readonly announcer: Announcer;
  private readonly maker: Maker;
  private readonly judge: Judge;
  private readonly heirs: HeirsParts;
  private readonly digests = new Map<string, string>();
  private readonly podMonitors: OptionalKind;
  private active = false;
  private term = 0;

  constructor(parts: ControllerParts) {
    this.parts = parts;
    this.announcer = new Announcer(parts);
    this.podMonitors = new OptionalKind(parts.kube, POD_MONITORS);
    this.queue = new WorkQueue((key) => this.reconcile(key), {
      first: RETRY_FIRST,
      last: RETRY_LAST,
      concurrency: CONCURRENCY,
      random: parts.random,
      onError: (key, error) => this.failed(key, error),
    });
    this.view = new View(parts.kube, (change, resource) => this.touched(change, resource));
    this.maker = new Maker({
      kube: parts.kube,
      view: this.view,
      mayWrite: () => this.mustBeActive(),
      wrote: ({ plural }) => this.count(plural),
    });
    const mayWrite = (): void => this.mustBeActive();
    this.heirs = { kube: parts.kube, log: parts.log, mayWrite };
    this.judge = new Judge({
      kube: parts.kube,
      view: this.view,
      announcer: this.announcer,
      mayWrite,
      wrote: () => this.count(`${DHCP_LEASES.plural}/status`),
      now: () => this.now(),
    });
  }

  /** Resolves when all that is to be known is. */
  ready(): Promise<void> {
    return this.view.ready();
  }

  /** Acts from now on, until `pause`; begins with a look at everything. */
  async start(): Promise<void> {
    const term = ++this.term;
    await this.view.ready();
    if (term !== this.term) return;
    this.active = true;
    this.add('PodMonitor');
    this.everything();
  }

  /** Acts no more, but keeps knowing everything; what is under way ends before its next request. */
  pause(): void {
    this.term++;
    this.active = false;
    // What changes from here on is not looked at, and `start` looks at everything.
    this.digests.clear();
  }

  stop(): void {
    this.pause();
    this.queue.stop();
    this.view.close();
  }

  /** Objects that have yet to be looked at. */
  get backlog(): number {
    return this.queue.size;
  }

  /** How many objects of each kind there are. */
  get objects(): Readonly<Record<string, number>> {
    return this.view.counts();
  }

  /** As View's. */
  eachCondition(visit: Parameters<View['eachCondition']>[0]): void {
    this.view.eachCondition(visit);
  }

  private everything(): void {
    for (const key of this.view.servers.objects.keys()) this.add(`DhcpServer/${key}`);
    for (const key of this.view.relays.objects.keys()) this.add(`DhcpRelay/${key}`);
    for (const { metadata, spec } of this.view.leases.objects.values())
      if (isIntent(spec)) this.add(`${INTENTS}/${metadata.namespace}/${spec.serverRef.name}`);
    this.add('DhcpLease');
  }

  private add(key: string): void {
    if (this.active) this.queue.add(key);
  }

  // What an object touches besides itself: its owner, whoever refers to it, its server.
  private touched(change: Change<KubeObject>, { kind }: Resource): void {
    if (!this.active) return;
    const { object } = change;
    const { namespace = '', name } = object.metadata;
    switch (kind) {
      case 'DhcpServer':
      case 'DhcpRelay':
        this.add(`${kind}/${namespace}/${name}`);
        if (!this.matters(kind, change)) return;
        this.dependents();
        if (kind === 'DhcpServer') this.add(`${INTENTS}/${namespace}/${name}`);
        if (change.kind === 'deleted') this.add('DhcpLease');
        return;
      case 'DhcpLease':
        // A lease changes nothing that is made for its server; those that outlive their use are swept.
        this.touchedLease(change as Change<DhcpLeaseObject>);
        return;
      case 'ConfigMap':
        if (isOfServer(object) && this.matters(kind, change)) this.dependents();
        break;
      case 'Service':
      case 'EndpointSlice':
      case 'Node':
      case 'ServiceCIDR':
        if (this.matters(kind, change)) this.dependents();
        break;
      case 'Pod':
        this.addOwnerOfPod(object);
        return;
    }
    this.touchedChild(kind, object);
  }

  private touchedChild(kind: string, { metadata }: KubeObject): void {
    const { namespace = '', ownerReferences = [] } = metadata;
    for (const owner of ownerReferences) {
      if (owner.kind !== 'DhcpServer' && owner.kind !== 'DhcpRelay') continue;
      this.add(`${owner.kind}/${namespace}/${owner.name}`);
      if (kind === 'ConfigMap') this.add(`${INTENTS}/${namespace}/${owner.name}`);
    }
  }

  // Another one that wants the same may be right when one has gone.
  private touchedLease({ kind, object }: Change<DhcpLeaseObject>): void {
    const server = `${object.metadata.namespace}/${object.spec.serverRef.name}`;
    if (kind === 'deleted' ? isIntent(object.spec) : isUnjudged(object))
      this.add(`${INTENTS}/${server}`);
    // An edit that is held back waits for those that it would cut off.
    const { conditions = [] } = this.view.servers.objects.get(server)?.status ?? {};
    if (conditions.some(({ reason }) => reason === 'WouldStrand')) this.add(`DhcpServer/${server}`);
  }

  // Whether there is something new for who looks at an object of another.
  private matters(resource: string, { kind, object }: Change<KubeObject>): boolean {
    const { namespace = '', name } = object.metadata;
    const key = `${resource}/${namespace}/${name}`;
    const seen = visible(resource, object);
    const before = this.digests.get(key);
    if (kind === 'deleted') this.digests.delete(key);
    else this.digests.set(key, seen);
    return kind === 'deleted' || before !== seen;
  }

  private dependents(): void {
    for (const [key, server] of this.view.servers.objects)
      if (server.metadata.deletionTimestamp === undefined) this.add(`DhcpServer/${key}`);
    for (const [key, relay] of this.view.relays.objects)
      if (JSON.stringify(relay.spec).includes('Ref"')) this.add(`DhcpRelay/${key}`);
  }

  private addOwnerOfPod({ metadata }: KubeObject): void {
    const { labels = {}, namespace = '' } = metadata;
    const instance = labels['app.kubernetes.io/instance'];
    const component = labels['app.kubernetes.io/component'];
    if (instance === undefined || component === undefined) return;
    this.add(`${component === 'server' ? 'DhcpServer' : 'DhcpRelay'}/${namespace}/${instance}`);
  }

  private async reconcile(key: string): Promise<Millis | null> {
    if (!this.active) return null;
    if (key === 'DhcpLease') return this.sweep();
    if (key === 'PodMonitor') return this.lookForPodMonitors();
    const [kind, namespace = '', name = ''] = key.split('/') as [AgentKind, string?, string?];
    if (key.startsWith(INTENTS)) return this.judge.judge(namespace, name).then(() => null);
    const following = kind === 'DhcpServer' ? this.view.servers : this.view.relays;
    const object = following.objects.get(`${namespace}/${name}`);
    // What was made for it goes with it, by its owner references.
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return null;
    const gathered = gather(this.view, kind, object, {
      podMonitors: this.podMonitors.known,
      image: this.parts.image,
      now: this.now(),
    });
    const decision = decide(kind, gathered);
    const hindrance = await this.make(decision);
    if (kind === 'DhcpServer')
      await letHeirsIn(this.heirs, object as DhcpServerObject, gathered.pods);
    if (hindrance === null) await this.tell(kind, object, decision);
    else {
      await this.tell(kind, object, decide(kind, { ...gathered, hindrance }));
      throw hindrance;
    }
    return SWEEP;
  }

  // What is in the way of one child is told, and then the next ones have to wait: a DaemonSet is nothing without its ConfigMap.
  private async make({ children, unwanted }: Decision): Promise<Hindrance | null> {
    try {
      for (const child of children) if (!watches(child)) await this.maker.make(child);
      for (const child of unwanted) await this.maker.unmake(child);
      return null;
    } catch (error) {
      if (error instanceof Hindrance) return error;
      throw error;
    }
  }

  private async lookForPodMonitors(): Promise<Millis> {
    const isNews = await this.podMonitors.look();
    if (isNews && this.podMonitors.known) this.everything();
    return this.parts.kindsLook ?? KINDS_LOOK;
  }

  private async tell(
    kind: AgentKind,
    object: DhcpServerObject | DhcpRelayObject,
    decision: Decision,
  ): Promise<void> {
    const resource = (kind === 'DhcpServer' ? DHCP_SERVERS : DHCP_RELAYS) as Resource;
    if (decision.nodes !== null) await this.forget(resource, object, decision.nodes);
    if (!covers(object.status, decision.status)) {
      this.mustBeActive();
      await this.parts.kube.apply(
        resource,
        {
          apiVersion: resource.apiVersion,
          kind,
          metadata: keyOf(object),
          status: decision.status,
        } as Parameters<Kube['apply']>[1],
        { fieldManager: MANAGER, force: true, subresource: 'status' },
      );
      this.count(`${resource.plural}/status`);
    }
    this.mustBeActive();
    await this.announcer.announce(object, decision.events);
    for (const child of decision.children.filter(watches)) await this.makeMonitor(child);
  }

  private async makeMonitor(child: Child): Promise<void> {
    try {
      await this.maker.make(child);
    } catch (error) {
      if (!(error instanceof KubeError && error.reason === 'NotFound')) throw error;
      // Its kind was there a moment ago, and whoever took it away took the PodMonitors too.
      this.add('PodMonitor');
    }
  }

  // Each node's entry is its agent's own; when the agent is gone, somebody has to take it away.
  private async forget(
    resource: Resource,
    object: DhcpServerObject | DhcpRelayObject,
    nodes: readonly unknown[],
  ): Promise<void> {
    const { resourceVersion } = object.metadata;
    this.mustBeActive();
    const merge = { metadata: { resourceVersion }, status: { nodes } };
    await this.parts.kube.patch(resource, keyOf(object), merge, MANAGER, 'status');
    this.count(`${resource.plural}/status`);
  }

  private async sweep(): Promise<Millis | null> {
    const { leases, servers } = this.view;
    const old = outlived([...leases.objects.values()], servers.objects, this.parts.wall());
    for (const { metadata } of old) {
      this.mustBeActive();
      const { resourceVersion } = metadata;
      await this.parts.kube.delete(
        DHCP_LEASES,
        keyOf({ metadata } as DhcpLeaseObject),
        resourceVersion === undefined ? {} : { resourceVersion },
      );
      this.count(DHCP_LEASES.plural);
    }
    return SWEEP;
  }

  // Before everything that only the leader may do.
  private mustBeActive(): void {
    if (!this.active) throw new Paused();
  }

  private now(): string {
    return `${new Date(this.parts.wall()).toISOString().slice(0, 19)}Z`;
  }

  private count(what: string): void {
    this.writes.set(what, (this.writes.get(what) ?? 0) + 1);
  }

  private failed(key: string, error: unknown): Millis | null {
    if (error instanceof Paused) return null;
    if (!(error instanceof KubeError || error instanceof Hindrance)) {
      this.parts.log.error({ key, err: error }, 'a mistake of ours');
      return null;
    }
    // Somebody was faster; the change is on its way to us.
    const level = error.reason === 'Conflict' ? 'debug' : 'warn';
    this.parts.log[level]({ key, reason: error.reason }, error.message);
    if (error instanceof Hindrance || !NOT_ABOUT_IT.has(error.reason)) return null;
    return error.retryAfter ?? RESPITE;
  }
}

// What only watches; DHCP does not wait for it.
function watches({ resource }: Child): boolean {
  return resource === POD_MONITORS;
}

/** Ends what was under way when the lead was lost. */
class Paused extends Error {}

function keyOf({ metadata }: KubeObject): { namespace: string; name: string } {
  const { namespace = '', name } = metadata;
  return { namespace, name };
}
