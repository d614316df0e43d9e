import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import { Backoff } from '../../crds/client/backoff.ts';
import {
  type Kube,
  KubeError,
  type KubeFailure,
  type OwnerReference,
} from '../../crds/client/kube.ts';
import { DHCP_LEASES } from '../../crds/client/resources.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import { type LeaseOwner, leaseObject } from '../core/lease/object.ts';
import type { LeaseTable } from '../core/lease.ts';
import {
  type LeaseObjects,
  type PublishBudget,
  PublishQueue,
  publication,
} from '../core/publish.ts';
import { isBinding, type LeaseObjects as Objects } from './leases.ts';

/** Who writes DhcpLease objects. */
const LEASE_MANAGER = 'dhcp-agent';
/** Whose leases they are, for `kubectl get -l`. */
const SERVER_LABEL = 'dhcp-operator.io/server';

/** What is published, and how. */
export interface PublisherParts {
  readonly kube: Kube;
  readonly leases: LeaseTable;
  readonly objects: Objects;
  /** The DhcpServer, whose objects go when it goes; null when it is not known. */
  owner(): OwnerReference | null;
  /** Whose leases, as of now. */
  server(): LeaseOwner;
  which(): LeaseObjects;
  /** Whether the object of an address must not be brought back. */
  withheld(address: Ipv4): boolean;
  now(): Millis;
  onError(error: KubeError): void;
}

const BUDGET: PublishBudget = { rate: 100, burst: 200 };
/** Requests under way at a time. */
const CONCURRENCY = 8;
/** What has nothing to do with the object that was written: all are to wait, instead of each finding out for itself. */
const NOT_ABOUT_IT: ReadonlySet<KubeFailure> = new Set([
  'TooManyRequests',
  'Unreachable',
  'Timeout',
  'Unauthorized',
]);
const RETRY_FIRST: Millis = 500;
const RETRY_LAST: Millis = 10_000;

/** Keeps DhcpLease objects up with the leases, behind the packets and within a budget. */
export class Publisher {
  /** Requests made since the start. */
  requests = 0;
  private readonly parts: PublisherParts;
  private readonly queue = new PublishQueue(BUDGET);
  private readonly backoff = new Backoff({
    first: RETRY_FIRST,
    last: RETRY_LAST,
    random: Math.random,
  });
  private pausedUntil: Millis = 0;
  private concurrency = CONCURRENCY;
  private running = 0;
  private timer: NodeJS.Timeout | undefined;
  private active = false;

  constructor(parts: PublisherParts) {
    this.parts = parts;
  }

  /** Begins, with a look at everything: what happened while nobody looked is found by comparing. */
  start(): void {
    this.active = true;
    for (const { address } of this.parts.leases.entries()) this.queue.changed(address);
    for (const address of this.parts.objects.addresses()) this.queue.changed(address);
    this.pump();
  }

  /** Writes nothing more from now on. */
  stop(): void {
    this.active = false;
    clearTimeout(this.timer);
  }

  /** The lease or the object of an address may have changed. */
  changed(address: Ipv4): void {
    if (!this.active) return;
    this.queue.changed(address);
    this.pump();
  }

  /** How many addresses are behind, or not known to be up to date. */
  get behind(): number {
    return this.queue.size;
  }

  private pump(): void {
    if (!this.active) return;
    for (;;) {
      const address = this.running < this.concurrency ? this.queue.take(this.parts.now()) : null;
      if (address === null) break;
      this.running++;
      void this.publish(address);
    }
    clearTimeout(this.timer);
    const deadline = this.running < this.concurrency ? this.queue.deadline(this.parts.now()) : null;
    if (deadline === null) return;
    this.timer = setTimeout(() => this.pump(), Math.ceil(deadline - this.parts.now()));
  }

  private async publish(address: Ipv4): Promise<void> {
    try {
      await this.write(address);
      this.works();
      this.queue.done(address);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      this.parts.onError(error);
      const pause = NOT_ABOUT_IT.has(error.reason) ? this.pause(error) : null;
      this.queue.failed(this.parts.now(), address, pause);
    } finally {
      this.running--;
      this.pump();
    }
  }

  // Afterwards one goes ahead, and the others follow when it gets through. Those that fail together count once.
  private pause(error: KubeError): Millis {
    const now = this.parts.now();
    if (now >= this.pausedUntil) this.pausedUntil = now + this.backoff.next(error);
    this.concurrency = 1;
    return this.pausedUntil - now;
  }

  private works(): void {
    this.backoff.reset();
    this.concurrency = CONCURRENCY;
  }

  private async write(address: Ipv4): Promise<void> {
    const { leases, objects } = this.parts;
    const lease = leases.get(address);
    const current = objects.ofAddress(address);
    if (lease === undefined) {
      // The record was taken out, so nothing is known of the address any more.
      if (current !== undefined && isBinding(current)) await this.remove(current);
      return;
    }
    const wanted = leaseObject(lease, this.parts.server());
    const todo = publication(wanted, current, this.parts.which(), lease.reserved);
    if (todo.kind === 'none' || this.parts.withheld(address)) return;
    if (todo.kind === 'create' || todo.spec) await this.applySpec(wanted);
    await this.applyStatus(wanted, current ?? wanted);
  }

  private async applySpec({ status: _, ...object }: DhcpLease): Promise<void> {
    const owner = this.parts.owner();
    this.count();
    await this.parts.kube.apply(
      DHCP_LEASES,
      {
        ...object,
        metadata: {
          ...object.metadata,
          labels: { [SERVER_LABEL]: object.spec.serverRef.name },
          ...(owner === null ? {} : { ownerReferences: [owner] }),
        },
      },
      { fieldManager: LEASE_MANAGER, force: true },
    );
  }

  private async applyStatus({ status }: DhcpLease, { metadata }: DhcpLease): Promise<void> {
    const { apiVersion, kind } = DHCP_LEASES;
    const { name, namespace } = metadata;
    const generation = metadata.generation ?? 1;
    this.count();
    await this.parts.kube.apply(
      DHCP_LEASES,
      {
        apiVersion,
        kind,
        metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
        status: { ...status, observedGeneration: generation },
      } as Partial<DhcpLease> & Pick<DhcpLease, 'metadata'>,
      { fieldManager: LEASE_MANAGER, force: true, subresource: 'status' },
    );
  }

  private async remove({ metadata }: DhcpLease): Promise<void> {
    const { name, namespace, resourceVersion } = metadata;
    this.count();
    await this.parts.kube.delete(
      DHCP_LEASES,
      { name, ...(namespace === undefined ? {} : { namespace }) },
      resourceVersion === undefined ? {} : { resourceVersion },
    );
  }

  private count(): void {
    this.requests++;
    this.queue.spend(1);
  }
}
