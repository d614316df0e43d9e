import type { Logger } from 'pino';
import { parseIpv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import { type AgentKind, childName } from '../../crds/assignment.ts';
import { openCluster } from '../../crds/client/cluster.ts';
import type { Kube, KubeError } from '../../crds/client/kube.ts';
import { DHCP_RELAYS, DHCP_SERVERS } from '../../crds/client/resources.ts';
import type { AgentConfig } from '../../crds/types/agentconfig.ts';
import type { NodeStatus } from '../../crds/types/common.ts';
import type { SubnetStatus } from '../../crds/types/dhcpserver.ts';
import type { Agent } from '../agent.ts';
import { leaseTerms } from '../core/lease/object.ts';
import type { ServerGate } from '../servers.ts';
import type { Assignment } from './assignment.ts';
import { ClusterConfig } from './config.ts';
import { LocalCopy } from './copy.ts';
import { Reporter } from './reporter.ts';
import { ServerMember } from './server.ts';

/** The object whose agent this is. */
export interface ObjectName {
  readonly kind: AgentKind;
  readonly namespace: string;
  readonly name: string;
}

/** What an agent in a cluster needs from its process. */
export interface InClusterParts {
  readonly object: ObjectName;
  /** A file, or null for the pod's service account. */
  readonly kubeconfig: string | null;
  readonly node: string;
  /** Where relays and clients reach this node, as far as the kubelet knows. */
  readonly hostIp: string | undefined;
  readonly stateDir: string;
  readonly log: Logger;
  now(): Millis;
  /** Makes the agent; the gate says whether it may answer. */
  agent(gate: ServerGate | null): Agent;
}

/** An agent that does what the operator tells it, and reports. */
export class InCluster {
  readonly agent: Agent;
  private readonly parts: InClusterParts;
  private readonly kube: Kube;
  private readonly member: ServerMember | null;
  private config: ClusterConfig | null = null;
  private readonly reporter: Reporter;
  private readonly said = new Map<string, Millis>();

  /** Opens the cluster and begins to follow it; rejects with an Error of one line when there is no way in. */
  static async open(parts: InClusterParts): Promise<InCluster> {
    const trouble = {
      failed: (error: KubeError) => parts.log.warn(`Kubernetes: ${error.message}`),
      threw: (error: unknown) => parts.log.error({ err: error }, 'while taking in a change'),
    };
    return new InCluster(parts, await openCluster(parts.kubeconfig, trouble));
  }

  constructor(parts: InClusterParts, kube: Kube) {
    this.parts = parts;
    this.kube = kube;
    this.member = parts.object.kind === 'DhcpServer' ? this.serverMember() : null;
    this.agent = parts.agent(this.member);
    this.followLeases();
    const { object } = parts;
    this.reporter = new Reporter({
      kube,
      resource: object.kind === 'DhcpServer' ? DHCP_SERVERS : DHCP_RELAYS,
      object: { namespace: object.namespace, name: object.name },
      report: () => this.report(),
      now: parts.now,
      moment: () => `${new Date().toISOString().slice(0, 19)}Z`,
      onError: (error) => this.warn(error),
    });
  }

  /** Does what it is told from now on; the agent must know its links, or it could not. */
  start(): void {
    const { object, log } = this.parts;
    this.config = new ClusterConfig({
      kube: this.kube,
      configMap: { namespace: object.namespace, name: childName(object.kind, object.name) },
      copy: this.copy('manifests.json'),
      log,
      intents: () => this.member?.intents() ?? [],
      apply: (config, assignment) => this.apply(config, assignment),
    });
  }

  /** What keeps it from doing what it is told, in words. */
  notReady(): string[] {
    const problem = this.config?.problem ?? null;
    return [...(problem === null ? [] : [problem]), ...this.agent.notReady()];
  }

  /** For people. */
  status(): object {
    return {
      object: this.parts.object,
      hash: this.config?.assignment?.hash ?? null,
      state: this.state(),
      leasesBehind: this.member?.behind ?? 0,
      ...this.agent.status(),
      notReady: this.notReady(),
    };
  }

  /** Ends all; leases are on disk, and another agent may take over, when this resolves. */
  async stop(): Promise<void> {
    this.config?.close();
    await this.agent.stop();
    await this.member?.stop();
    await this.reporter.retire();
  }

  private serverMember(): ServerMember {
    const { object, node, log, now } = this.parts;
    return new ServerMember({
      kube: this.kube,
      object: { namespace: object.namespace, name: object.name },
      node,
      term: this.copy('term.json'),
      revoked: this.copy('revoked.json'),
      log,
      now,
      gateChanged: async () => {
        await this.agent.servers.gateChanged();
        this.reporter.look();
      },
      intentsChanged: () => this.config?.refresh(),
      onError: (error) => this.warn(error),
    });
  }

  private copy(name: string): LocalCopy {
    const { log, stateDir } = this.parts;
    return new LocalCopy(stateDir, name, (error) =>
      log.warn(`${name}: ${error.message}; a start without the API server would miss it`),
    );
  }

  private followLeases(): void {
    this.agent.servers.listen({
      leaseChanged: (_server, address) => this.member?.leaseChanged(address),
      reconfigured: () => {},
      serversChanged: () => {},
    });
  }

  private async apply(config: AgentConfig, assignment: Assignment): Promise<void> {
    await this.agent.apply(config);
    await this.agent.settled();
    const [server] = config.servers;
    const [entry] = this.agent.servers.stores();
    if (server !== undefined && entry !== undefined) {
      const spec = assignment.document.spec as { leaseObjects?: 'All' | 'Reserved' | 'None' };
      this.member?.configured(entry[1], {
        failover: assignment.failover,
        which: spec.leaseObjects ?? 'All',
        owner: assignment.owner,
        terms: leaseTerms(server),
        intents: server.intents,
      });
    }
    this.parts.log.info({ hash: assignment.hash }, 'configuration applied');
    this.reporter.look();
  }

  private state(): NodeStatus['state'] {
    const assigned = (this.config?.assignment ?? null) !== null;
    if (!assigned || this.agent.failedEntirely()) return 'Failed';
    return this.member !== null && !this.member.mayAnswer() ? 'Standby' : 'Active';
  }

  private report(): { node: Omit<NodeStatus, 'since'>; subnets: readonly SubnetStatus[] | null } {
    this.member?.look();
    const { node } = this.parts;
    const assignment = this.config?.assignment ?? null;
    const state = this.state();
    const message = this.notReady().join('; ');
    const epoch = this.member?.epoch() ?? null;
    const [running] = this.agent.servers.roles();
    const foreign = running?.[1].foreignServers() ?? [];
    const addresses = this.addresses();
    return {
      node: {
        node,
        state,
        ...(assignment === null ? {} : { hash: assignment.hash }),
        ...(addresses.length === 0 ? {} : { addresses }),
        ...(message === '' ? {} : { message }),
        ...(foreign.length === 0 ? {} : { foreignServers: foreign }),
        ...(state === 'Active' && epoch !== null ? { epoch } : {}),
      },
      subnets: state === 'Active' && running !== undefined ? running[1].use() : null,
    };
  }

  private addresses(): readonly string[] {
    const { hostIp } = this.parts;
    const host = hostIp !== undefined && parseIpv4(hostIp) !== null ? [hostIp] : [];
    const served = [...this.agent.servers.roles()].flatMap(([, role]) => role.addresses());
    const relayed = [...this.agent.relays.values()].flatMap((role) => role.addresses());
    return [...new Set([...host, ...served, ...relayed])];
  }

  // The same trouble every second is said once a minute.
  private warn(error: KubeError): void {
    const { log, now } = this.parts;
    if (now() - (this.said.get(error.reason) ?? Number.NEGATIVE_INFINITY) < QUIET) return;
    this.said.set(error.reason, now());
    log.warn({ reason: error.reason }, `Kubernetes: ${error.message}`);
  }
}

const QUIET: Millis = 60_000;
