import { type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import type { Change, Following, Kube } from '../../crds/client/kube.ts';
import { byAge, DHCP_LEASES, type DhcpLeaseObject } from '../../crds/client/resources.ts';
import { isIntent } from '../../crds/compile/lease.ts';
import { type Document, documentOf } from '../../crds/document.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';

/** Who wants to know what becomes of the objects. */
export interface LeaseObjectsListener {
  /** An object of this address has come, changed or gone. */
  changed(address: Ipv4): void;
  /** What users want of addresses may have changed. */
  intentsChanged(): void;
  /** An object that a server had written is gone, and nobody has written another. */
  bindingDeleted(address: Ipv4): void;
}

/** The DhcpLease objects of one server, by address. */
export class LeaseObjects {
  private readonly following: Following<DhcpLeaseObject>;
  private readonly listener: LeaseObjectsListener;
  private readonly byAddress = new Map<Ipv4, Map<string, DhcpLeaseObject>>();
  private readonly ownDeletions = new Set<string>();
  /** The address that each object, by its name, was last about. */
  private readonly addressOf = new Map<string, Ipv4>();

  constructor(
    kube: Kube,
    server: { readonly namespace: string; readonly name: string },
    listener: LeaseObjectsListener,
  ) {
    this.listener = listener;
    const fields = `spec.serverRef.name=${server.name}`;
    const selection = { namespace: server.namespace, fields };
    this.following = kube.follow(DHCP_LEASES, selection, (change) => this.take(change));
  }

  /** Resolves when all objects are known. */
  get ready(): Promise<void> {
    return this.following.ready;
  }

  get size(): number {
    return this.following.objects.size;
  }

  /** The objects that tell of an address: what users wrote before what a server did. */
  ofAddress(address: Ipv4): readonly DhcpLeaseObject[] {
    const all = [...(this.byAddress.get(address)?.values() ?? [])];
    return [...all.filter((one) => !isBinding(one)), ...all.filter(isBinding)];
  }

  /** The addresses that users want something of. */
  *wanted(): Iterable<Ipv4> {
    for (const [address, objects] of this.byAddress)
      if ([...objects.values()].some(({ spec }) => isIntent(spec))) yield address;
  }

  /** An object is about to be deleted by us, which says nothing of what users want; `undo` when it was not. */
  going(uid: string | undefined): { undo(): void } {
    if (uid !== undefined) this.ownDeletions.add(uid);
    return { undo: () => this.ownDeletions.delete(uid ?? '') };
  }

  /** Every address with an object. */
  addresses(): Iterable<Ipv4> {
    return this.byAddress.keys();
  }

  *all(): Iterable<DhcpLeaseObject> {
    for (const objects of this.byAddress.values()) yield* objects.values();
  }

  /** What users want, as manifests; of two that want the same the older one comes first. */
  intents(): readonly Document[] {
    return [...this.following.objects.values()]
      .sort(byAge)
      .filter((one) => one.metadata.deletionTimestamp === undefined && isIntent(one.spec))
      .map((one) => documentOf(one));
  }

  close(): void {
    this.following.close();
  }

  private take({ kind, object }: Change<DhcpLeaseObject>): void {
    const { name, uid = '' } = object.metadata;
    const before = this.forget(name);
    const address = parseIpv4(object.spec.address);
    if (kind !== 'deleted' && address !== null) this.learn(name, address, object);
    if (wishOf(before?.object) !== wishOf(kind === 'deleted' ? undefined : object))
      this.listener.intentsChanged();
    // A user may have an object be about another address.
    if (before !== null && before.address !== address) this.listener.changed(before.address);
    if (address === null) return;
    const isOwn = kind === 'deleted' && this.ownDeletions.delete(uid);
    if (kind === 'deleted' && !isOwn && isBinding(object) && !this.byAddress.has(address))
      this.listener.bindingDeleted(address);
    this.listener.changed(address);
  }

  private learn(name: string, address: Ipv4, object: DhcpLeaseObject): void {
    this.addressOf.set(name, address);
    const objects = this.byAddress.get(address);
    if (objects === undefined) this.byAddress.set(address, new Map([[name, object]]));
    else objects.set(name, object);
  }

  private forget(name: string): { address: Ipv4; object: DhcpLeaseObject } | null {
    const address = this.addressOf.get(name);
    if (address === undefined) return null;
    const objects = this.byAddress.get(address)!;
    const object = objects.get(name)!;
    this.addressOf.delete(name);
    objects.delete(name);
    if (objects.size === 0) this.byAddress.delete(address);
    return { address, object };
  }
}

/** Whether a server wrote it. */
export function isBinding({ spec }: DhcpLease): boolean {
  return spec.intent === 'Bind';
}

// What a user wants by an object, to be compared; empty when it is nothing. What became of it is no wish.
function wishOf(object: DhcpLeaseObject | undefined): string {
  if (object === undefined || object.metadata.deletionTimestamp !== undefined) return '';
  return isIntent(object.spec) ? JSON.stringify([object.metadata.uid, object.spec]) : '';
}
