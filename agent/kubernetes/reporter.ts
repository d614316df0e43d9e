import type { Millis } from '../../codec/machine.ts';
import { Backoff } from '../../crds/client/backoff.ts';
import { type Kube, KubeError, type Resource } from '../../crds/client/kube.ts';
import type { NodeStatus } from '../../crds/types/common.ts';
import type { SubnetStatus } from '../../crds/types/dhcpserver.ts';

/** What an agent says in the status of its object. */
export interface Report {
  readonly node: NodeStatus;
  /** How full the subnets are; null from who does not serve. */
  readonly subnets: readonly SubnetStatus[] | null;
}

/** Whose status, and who says so. */
export interface ReporterParts {
  readonly kube: Kube;
  readonly resource: Resource;
  readonly object: { readonly namespace: string; readonly name: string };
  /** Without `since`, which is known here. */
  report(): { readonly node: Omit<NodeStatus, 'since'>; readonly subnets: Report['subnets'] };
  now(): Millis;
  moment(): string;
  onError(error: KubeError): void;
}

/** How often it is looked at whether there is something new to say. */
const LOOK: Millis = 1_000;
/** Counts of leases change with every packet, and are told no more often than this. */
const COUNTS: Millis = 10_000;
const RETRY_LAST: Millis = 30_000;

/** Keeps this node's entry in the status of its object true, and writes only when it is not. */
export class Reporter {
  private readonly parts: ReporterParts;
  private readonly timer: NodeJS.Timeout;
  private saidNode = '';
  private saidSubnets = '';
  private state = '';
  private since = '';
  private countsAt: Millis = Number.NEGATIVE_INFINITY;
  private notBefore: Millis = 0;
  private readonly backoff = new Backoff({ first: LOOK, last: RETRY_LAST, random: Math.random });
  private writing: Promise<void> | null = null;

  constructor(parts: ReporterParts) {
    this.parts = parts;
    this.timer = setInterval(() => this.look(), LOOK);
  }

  /** Looks at once: something is known to be new. */
  look(): void {
    if (this.writing !== null || this.parts.now() < this.notBefore) return;
    this.writing = this.write().finally(() => {
      this.writing = null;
    });
  }

  /** Takes this node's entry away, as well as that goes; nothing is said afterwards. */
  async retire(): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
    await this.say({ nodes: [] }, this.nodeManager()).catch(() => {});
  }

  private async write(): Promise<void> {
    const now = this.parts.now();
    const { node, subnets } = this.parts.report();
    if (node.state !== this.state) {
      this.state = node.state;
      this.since = this.parts.moment();
    }
    const entry: NodeStatus = { ...node, since: this.since };
    const nodeText = JSON.stringify(entry);
    const subnetsText = JSON.stringify(subnets);
    try {
      if (nodeText !== this.saidNode) {
        await this.say({ nodes: [entry] }, this.nodeManager());
        this.saidNode = nodeText;
      }
      const due = subnets !== null && now - this.countsAt >= COUNTS;
      if (due && subnetsText !== this.saidSubnets) {
        await this.say({ subnets }, 'dhcp-agent-leases');
        this.saidSubnets = subnetsText;
        this.countsAt = now;
      }
      this.backoff.reset();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      this.parts.onError(error);
      this.notBefore = this.parts.now() + this.backoff.next(error);
    }
  }

  private nodeManager(): string {
    return `dhcp-agent-${this.parts.report().node.node}`;
  }

  private async say(status: object, fieldManager: string): Promise<void> {
    const { kube, resource, object } = this.parts;
    const { apiVersion, kind } = resource;
    await kube.apply(
      resource,
      { apiVersion, kind, metadata: object, status } as Parameters<Kube['apply']>[1],
      { fieldManager, force: true, subresource: 'status' },
    );
  }
}
