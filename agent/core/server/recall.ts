import { UNSPECIFIED } from '../../../codec/ipv4.ts';
import { DHCPREQUEST } from '../../../codec/v4/header.ts';
import { isHolder } from './identity.ts';
import type { ServerState } from './state.ts';

/**
 * Looks up the lease that a renewal is about. A renewal goes past the relay, so what the relay said of the client is
 * taken from the lease: it is in the same class and has the same reservation as when it got the address.
 */
export function recall(state: ServerState): void {
  const { request, client, leases } = state;
  client.held = null;
  if (request.type !== DHCPREQUEST || request.ciaddr === UNSPECIFIED) return;
  const lease = leases.get(request.ciaddr, client.heldRoom);
  if (lease === undefined || !isHolder(state, lease)) return;
  client.held = lease;
  if (request.giaddr !== UNSPECIFIED || request.relayEchoed) return;
  if (lease.relayInformation !== null) request.remember(lease.relayInformation);
}
