import { UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { ServerDrop } from './drops.ts';
import { dropOffer } from './hold.ts';
import { isHolder } from './identity.ts';
import { leave, quarantine } from './record.ts';
import { isOurs } from './select.ts';
import type { ServerState } from './state.ts';

/** Takes back an address whose client found it in use (RFC 2131 §4.3.3). There is no reply. */
export function decline(state: ServerState): ServerDrop | null {
  const { request, leases, offers, observer, client } = state;
  const { requestedAddress: address, serverIdentifier, now } = request;
  if (serverIdentifier !== UNSPECIFIED && !isOurs(state, serverIdentifier)) return 'notSelected';
  // Only who was given an address may take it out of use: anybody else could empty the pools.
  const lease = leases.get(address) ?? null;
  if (lease?.state !== 'bound' || !isHolder(state, lease)) return 'notHolder';
  const offer = offers.ofAddress(address);
  if (offer !== null) dropOffer(state, offer);
  quarantine(state, address, client.subnet.name, lease, now);
  observer.declined(address, lease.hardwareAddress);
  return null;
}

/** Takes back an address that its client needs no more (RFC 2131 §4.3.4). There is no reply. */
export function release(state: ServerState): ServerDrop | null {
  const { request, leases, offers } = state;
  const { ciaddr, serverIdentifier, now } = request;
  if (serverIdentifier !== UNSPECIFIED && !isOurs(state, serverIdentifier)) return 'notSelected';
  const lease = leases.get(ciaddr) ?? null;
  if (lease?.state !== 'bound' || !isHolder(state, lease)) return 'notHolder';
  const offer = offers.ofAddress(ciaddr);
  if (offer !== null) dropOffer(state, offer);
  leave(state, lease, now);
  return null;
}
