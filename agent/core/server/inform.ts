import { type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { DHCPACK } from '../../../codec/v4/header.ts';
import { addSettings, begin, effectiveFor, sendNow } from './answer.ts';
import type { ServerDrop } from './drops.ts';
import { proxyAck } from './proxy.ts';
import type { ServerState } from './state.ts';

/**
 * Answers a DHCPINFORM (RFC 2131 §4.3.5): settings for a client that has its address from elsewhere. No lease time, no
 * address, to where the client says it is.
 */
export function inform(state: ServerState): ServerDrop | null {
  const { request, client, plan, reply } = state;
  if (plan.config.proxyDhcp) return proxyAck(state);
  // Some clients leave ciaddr empty; then the packet says where they are.
  const address: Ipv4 = request.ciaddr === UNSPECIFIED ? request.source : request.ciaddr;
  if (address === UNSPECIFIED) return 'informWithoutAddress';
  const own = plan.subnetOf(address);
  const subnet = own?.network === client.network ? own : client.subnet;
  begin(state, DHCPACK);
  reply.ciaddr = request.ciaddr;
  addSettings(state, effectiveFor(state, subnet, plan.poolOf(address, subnet)));
  return sendNow(state, address);
}
