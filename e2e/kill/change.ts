import { sipHash } from '../../agent/core/lease/siphash.ts';
import type { Lease, LeaseState } from '../../agent/core/lease.ts';
import { aLease } from '../../agent/store/testleases.ts';

/** So few that each is changed again and again. */
export const ADDRESSES = 300;
/** How many changes wait for the disk at most; what a kill may take. */
export const IN_FLIGHT = 1000;

/** The change that a number stands for, so that victim and witness need not tell each other. */
export type Change =
  | { readonly kind: 'put'; readonly n: number; readonly lease: Lease }
  | { readonly kind: 'forget'; readonly n: number };

export function changeOf(version: number): Change {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(version);
  const hash = sipHash(bytes, 0, 8, { low: 1, high: 2 });
  const n = hash % ADDRESSES;
  const dice = Math.floor(hash / ADDRESSES) % 20;
  if (dice === 0) return { kind: 'forget', n };
  const state: LeaseState = dice === 1 ? 'released' : dice === 2 ? 'declined' : 'bound';
  const hostname = `${version}${'x'.repeat(dice === 3 ? hash % 900 : dice)}`;
  return { kind: 'put', n, lease: aLease(n, { state, hostname, expires: Infinity }) };
}

/** The number of the change that a record came from. */
export function versionOf(lease: Lease): number {
  return Number.parseInt(lease.hostname ?? '', 10);
}
