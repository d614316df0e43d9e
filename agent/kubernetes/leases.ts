import { type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import type { Change, Following, Kube } from '../../crds/client/kube.ts';
import { DHCP_LEASES, type DhcpLeaseObject } from '../../crds/client/resources.ts';
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

  /** The object that tells of an address: what a user wrote before what a server did. */
  ofAddress(address: Ipv4): DhcpLeaseObject | undefined {
    const all = [...(this.byAddress.get(address)?.values() ?? [])];
    return all.find((one) => !isBinding(one)) ?? all[0];
  }

  /** Every address with an object. */
  addresses(): Iterable<Ipv4> {
    return this.byAddress.keys();
  }

  *all(): Iterable<DhcpLeaseObject> {
    for (const objects of this.byAddress.values()) yield* objects.values();
  }

  /** What users want, as manifests. */
  intents(): readonly Document[] {
    return [...this.following.objects.values()]
      .filter((one) => one.metadata.deletionTimestamp === undefined && isIntent(one))
      .map((one) => documentOf(one));
  }

  close(): void {
    this.following.close();
  }

  private take({ kind, object }: Change<DhcpLeaseObject>): void {
    const { name } = object.metadata;
    const before = this.forget(name);
    const address = parseIpv4(object.spec.address);
    if (kind !== 'deleted' && address !== null) this.learn(name, address, object);
    if (isIntent(object) || (before !== null && isIntent(before.object)))
      this.listener.intentsChanged();
    // A user may have an object be about another address.
    if (before !== null && before.address !== address) this.listener.changed(before.address);
    if (address === null) return;
    if (kind === 'deleted' && isBinding(object) && !this.byAddress.has(address))
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

// A binding that a user has pinned or revoked is an intent too.
function isIntent({ spec }: DhcpLease): boolean {
  return spec.intent !== 'Bind' || spec.pin === true || spec.revoke === true;
}
