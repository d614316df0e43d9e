import type { Logger } from 'pino';
import { formatHardwareAddress, hex } from '../../codec/hardware.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import { type Document, documentOf } from '../../crds/document.ts';
import { nameIn } from '../core/lease/object.ts';
import type { Lease } from '../core/lease.ts';
import type { LocalCopy } from './copy.ts';

/** Deletions that come within this time of each other are one act. */
export const SETTLE: Millis = 3_000;
/** Up to so many leases, or this share of them, may be revoked by one act; whoever deletes more did not mean it so. */
const ACT_MAX = 10;
const ACT_SHARE = 0.1;

/** What to do about objects of bindings that somebody has deleted. */
export type Verdict =
  /** The clients must let their addresses go at the next renewal. */
  | { readonly kind: 'revoke'; readonly addresses: readonly Ipv4[] }
  /** The objects come back: they went with their server, or by a sweep. */
  | { readonly kind: 'restore'; readonly addresses: readonly Ipv4[]; readonly reason: string };

/** Judges one act. `serverIsThere`: the DhcpServer is, and is not on its way out. */
export function judge(deleted: readonly Ipv4[], bound: number, serverIsThere: boolean): Verdict {
  const most = Math.max(ACT_MAX, Math.floor(bound * ACT_SHARE));
  if (!serverIsThere) {
    return { kind: 'restore', addresses: deleted, reason: 'they went with their DhcpServer' };
  }
  if (deleted.length > most) {
    const reason = `${deleted.length} at once is more than the ${most} that deleting revokes: set spec.revoke`;
    return { kind: 'restore', addresses: deleted, reason };
  }
  return { kind: 'revoke', addresses: deleted };
}

/** What revocations are decided by, and whom they concern. */
export interface RevocationsParts {
  /** `namespace/name`. */
  readonly server: string;
  /** Where they are kept for a restart. */
  readonly copy: LocalCopy;
  readonly log: Logger;
  /** Whether the DhcpServer is there to stay; rejects with KubeError. */
  isThere(): Promise<boolean>;
  /** How many objects tell of somebody who holds an address. */
  bound(): number;
  lease(address: Ipv4): Lease | undefined;
  /** Whether there is an object again. */
  isBack(address: Ipv4): boolean;
  restore(address: Ipv4): void;
  /** What is wanted of addresses has changed. */
  changed(): void;
}

/** The bindings whose objects users have deleted: their clients must let go of them at the next renewal. */
export class Revocations {
  private readonly parts: RevocationsParts;
  private readonly revoked = new Map<Ipv4, Document>();
  private deletions = new Set<Ipv4>();
  /** Of acts that are being judged: their objects must not come back meanwhile. */
  private readonly judged = new Set<Ipv4>();
  private timer: NodeJS.Timeout | undefined;

  constructor(parts: RevocationsParts) {
    this.parts = parts;
    for (const document of remembered(parts.copy)) {
      const address = parseIpv4((document.spec as { address?: string }).address ?? '');
      if (address !== null) this.revoked.set(address, document);
    }
  }

  has(address: Ipv4): boolean {
    return [this.revoked, this.deletions, this.judged].some((one) => one.has(address));
  }

  documents(): readonly Document[] {
    return [...this.revoked.values()];
  }

  /** The object of a binding is gone. */
  deleted(address: Ipv4): void {
    if (this.parts.lease(address)?.state !== 'bound') return;
    this.deletions.add(address);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.decide(), SETTLE);
  }

  /** The record of an address has changed: its client may have let go. */
  leaseChanged(address: Ipv4): void {
    if (!this.revoked.has(address) || this.parts.lease(address)?.state === 'bound') return;
    this.revoked.delete(address);
    this.keep();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async decide(): Promise<void> {
    const { parts } = this;
    const { log } = parts;
    const deletions = [...this.deletions].filter((address) => !parts.isBack(address));
    this.deletions = new Set();
    for (const address of deletions) this.judged.add(address);
    // Who cannot tell is careful: the objects come back, and may be deleted again.
    const there = await parts.isThere().catch(() => false);
    for (const address of deletions) this.judged.delete(address);
    const verdict = judge(deletions, parts.bound() + deletions.length, there);
    if (verdict.kind === 'restore') {
      log.warn({ count: deletions.length }, `deleted DhcpLeases come back: ${verdict.reason}`);
      for (const address of verdict.addresses) parts.restore(address);
      return;
    }
    for (const address of verdict.addresses) {
      const lease = parts.lease(address);
      if (lease?.state !== 'bound') continue;
      this.revoked.set(address, revocation(parts.server, lease));
      log.info({ address: formatIpv4(address) }, 'revoked: its client must let it go');
    }
    this.keep();
  }

  private keep(): void {
    const documents = [...this.revoked.values()].map(({ apiVersion, kind, metadata, spec }) => ({
      apiVersion,
      kind,
      metadata,
      spec,
    }));
    this.parts.copy.write(JSON.stringify(documents));
    this.parts.changed();
  }
}

function remembered(copy: LocalCopy): readonly Document[] {
  try {
    const found: unknown = JSON.parse(copy.read() ?? '[]');
    return Array.isArray(found) ? found.map((one) => documentOf(one as Document)) : [];
  } catch {
    return [];
  }
}

/** What a user who deletes the object of a binding wants, as a manifest: this client must let the address go. */
function revocation(server: string, { address, clientId, hardwareAddress }: Lease): Document {
  const { namespace, name } = nameIn(server);
  const client =
    clientId === null
      ? { hardwareAddress: formatHardwareAddress(hardwareAddress) }
      : { clientId: { hex: hex(clientId) } };
  return documentOf({
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: {
      name: `revoked-${formatIpv4(address)}`,
      ...(namespace === null ? {} : { namespace }),
    },
    spec: {
      serverRef: { name },
      address: formatIpv4(address),
      intent: 'Bind',
      revoke: true,
      ...client,
    },
  });
}
