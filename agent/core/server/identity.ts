import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Lease, LeaseTable } from '../lease.ts';
import { hashBytes } from '../limit.ts';
import type { Request } from './request.ts';
import { equals } from './reservations.ts';
import type { ServerState } from './state.ts';

/** Decides what tells the client from others (RFC 2131 §4.2): its identifier if it sends one, else its hardware address. */
export function identify({ plan, clones, request }: ServerState): void {
  const { identity } = plan.config;
  if (identity === 'HardwareAddress' || request.clientIdLength === 0) {
    request.identify('hardware');
    return;
  }
  request.identify('clientId');
  if (identity === 'Auto' && clones.has(request.hash, request.check)) request.identify('both');
}

/** The addresses recorded for the client by what tells it from others, latest first. */
export function addressesOf(leases: LeaseTable, request: Request): readonly Ipv4[] {
  const { view, bytes, clientIdAt, clientIdLength } = request;
  return request.identity === 'clientId'
    ? leases.byClientId(bytes, clientIdAt, clientIdLength)
    : leases.byHardwareAddress(view.htype, view.bytes, view.chaddrAt, view.chaddrLength);
}

/**
 * Whether a lease is the client's. Where one of the two lacks an identifier the hardware address decides, as there are
 * clients that send it in some messages only; a lease that is looked for by an address is never mistaken like that.
 */
export function isHolder({ plan, request }: ServerState, lease: Lease): boolean {
  const { clientIdAt, clientIdLength, bytes } = request;
  if (plan.config.identity === 'HardwareAddress') return hasHardware(request, lease);
  if (lease.clientId === null || clientIdLength === 0) return hasHardware(request, lease);
  if (!equals(lease.clientId, bytes, clientIdAt, clientIdLength)) return false;
  return request.identity !== 'both' || hasHardware(request, lease);
}

/** Whether a lease was given to this hardware address. */
export function hasHardware({ view }: Request, lease: Lease): boolean {
  const { hardwareType, hardwareAddress } = lease;
  return (
    hardwareType === view.htype &&
    equals(hardwareAddress, view.bytes, view.chaddrAt, view.chaddrLength)
  );
}

/** Whether a lease found by hardware address is this client's own, and not one of another identifier's there. */
export function isSameKind({ plan, request }: ServerState, lease: Lease): boolean {
  if (plan.config.identity === 'HardwareAddress') return true;
  return request.identity === 'both' ? isSameId(request, lease) : lease.clientId === null;
}

function isSameId(request: Request, lease: Lease): boolean {
  const { clientId } = lease;
  if (clientId === null) return false;
  return equals(clientId, request.bytes, request.clientIdAt, request.clientIdLength);
}

/**
 * One identifier at two hardware addresses in turn, while its lease lasts, is two machines. True when this request
 * shows that; a first move is only noted, as machines do get new interfaces.
 */
export function noticeMove({ plan, clones, request }: ServerState, lease: Lease): boolean {
  if (plan.config.identity !== 'Auto' || request.identity !== 'clientId') return false;
  if (lease.state !== 'bound' || lease.clientId === null || hasHardware(request, lease))
    return false;
  const { view } = request;
  const { hardwareAddress } = lease;
  const from = hashBytes(hardwareAddress, 0, hardwareAddress.length, 0);
  const to = hashBytes(view.bytes, view.chaddrAt, view.chaddrLength, 0);
  return clones.move(request.hash, request.check, from, to);
}
