import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import { Backoff } from '../../crds/client/backoff.ts';
import {
  type Kube,
  KubeError,
  type KubeFailure,
  type OwnerReference,
} from '../../crds/client/kube.ts';
import { DHCP_LEASES, type DhcpLeaseObject } from '../../crds/client/resources.ts';
import { isIntent } from '../../crds/compile/lease.ts';
import type { DhcpLease, DhcpLeaseStatus } from '../../crds/types/dhcplease.ts';
import type { IntentConfig } from '../../crds/types/serverconfig.ts';
import { intentObject, type LeaseOwner, leaseObject } from '../core/lease/object.ts';
import type { Lease, LeaseTable } from '../core/lease.ts';
import {
  isBehind,
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
  /** What is wanted by the object of a name, as far as it is in force. */
  intents(name: string): readonly IntentConfig[];
  /** The lease clock. */
  leaseNow(): Millis;
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
    this.everything();
  }

  /** Looks at everything again: what is to be published is another now. */
  everything(): void {
    if (!this.active) return;
    for (const { address } of this.parts.leases.entries()) this.queue.changed(address);
    for (const address of this.parts.objects.addresses()) this.queue.changed(address);
    this.pump();
  }

  /** Looks at what users want again: something else is in force of it now. */
  intentsChanged(): void {
    if (!this.active) return;
    for (const address of this.parts.objects.wanted()) this.queue.changed(address);
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
    const wait = Math.max(0, Math.ceil(deadline - this.parts.now()));
    this.timer = setTimeout(() => this.pump(), wait);
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
    const lease = this.parts.leases.get(address);
    const all = this.parts.objects.ofAddress(address);
    for (const one of all) if (!isBinding(one)) await this.tellUser(one, lease);
    const binding = all.find(isBinding);
    if (lease === undefined) {
      // The record was taken out, so nothing is known of the address any more; a pin waits for whoever gets it.
      if (binding !== undefined && !isIntent(binding.spec)) await this.remove(binding);
    } else if (binding !== undefined || all.length === 0) {
      // Otherwise who looks for the address finds what a user wrote.
      await this.writeBinding(lease, binding);
    }
  }

  private async writeBinding(lease: Lease, binding: DhcpLeaseObject | undefined): Promise<void> {
    const { server, which, withheld } = this.parts;
    const wanted = leaseObject(lease, server());
    const todo = publication(wanted, binding, which(), lease.reserved);
    if (todo.kind === 'none' || withheld(lease.address)) return;
    if (todo.kind === 'remove') {
      await this.remove(binding!);
      return;
    }
    if (todo.kind === 'create' || todo.spec) await this.applySpec(wanted);
    await this.applyStatus(wanted.status, binding ?? wanted);
  }

  // What became of what a user wants, in the object that says so.
  private async tellUser(object: DhcpLeaseObject, lease: Lease | undefined): Promise<void> {
    const status = this.statusFor(object, lease);
    if (isBehind(status, object.status)) await this.applyStatus(status, object);
  }

  private statusFor(
    { metadata }: DhcpLeaseObject,
    lease: Lease | undefined,
  ): DhcpLeaseStatus | undefined {
    const { intents, leaseNow, server } = this.parts;
    const [first, ...more] = intents(metadata.name);
    if (first !== undefined)
      return intentObject([first, ...more], lease ?? null, server(), leaseNow()).status;
    return lease === undefined ? undefined : leaseObject(lease, server()).status;
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

  private async applyStatus(
    status: DhcpLeaseStatus | undefined,
    { metadata }: DhcpLease,
  ): Promise<void> {
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

  private async remove({ metadata }: DhcpLeaseObject): Promise<void> {
    const { name, namespace, resourceVersion, uid } = metadata;
    this.count();
    const going = this.parts.objects.going(uid);
    try {
      await this.parts.kube.delete(
        DHCP_LEASES,
        { name, ...(namespace === undefined ? {} : { namespace }) },
        resourceVersion === undefined ? {} : { resourceVersion },
      );
    } catch (error) {
      going.undo();
      throw error;
    }
  }

  private count(): void {
    this.requests++;
    this.queue.spend(1);
  }
}
