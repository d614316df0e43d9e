import { type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { encodeInto } from '../../../codec/v4/encode.ts';
import * as H from '../../../codec/v4/header.ts';
import { ipv4, ipv4List, u32 } from '../../../codec/v4/kinds.ts';
import type { Message, Option } from '../../../codec/v4/message.ts';
import type { Lease } from '../lease.ts';
import { serverIdentifier } from './answer.ts';
import { REPLY_MAX } from './arena.ts';
import type { ServerDrop } from './drops.ts';
import { isAmong } from './locate.ts';
import { OPTION } from './request.ts';
import type { ServerState } from './state.ts';

/** Answers a DHCPLEASEQUERY (RFC 4388 §6.4). */
export function leaseQuery(state: ServerState): ServerDrop | null {
  const { plan, request, leases } = state;
  const { giaddr, ciaddr } = request;
  // RFC 4388 §6.4: giaddr is where the answer goes; §7: who may ask is configured.
  if (giaddr === UNSPECIFIED) return 'queryMalformed';
  if (!isAmong(giaddr, plan.config.leaseQueryFrom)) return 'queryNotAllowed';
  const byHardware = request.view.chaddrLength > 0;
  const asked = [ciaddr !== UNSPECIFIED, byHardware, request.clientIdLength > 0];
  if (asked.filter(Boolean).length !== 1) return 'queryMalformed';
  if (ciaddr !== UNSPECIFIED) return byAddress(state, leases.get(ciaddr) ?? null);
  const found = (byHardware ? ofHardware(state) : ofClientId(state))
    .map((address) => leases.get(address)!)
    .filter((lease) => lease.state === 'bound')
    .sort((a, b) => b.lastTransaction - a.lastTransaction);
  // RFC 4388 §6.4.2: the one heard of last speaks for all.
  if (found.length === 0) return answer(state, H.DHCPLEASEUNKNOWN, null, []);
  return answer(state, H.DHCPLEASEACTIVE, found[0]!, found.slice(1));
}

function ofHardware({ leases, request: { view } }: ServerState): readonly Ipv4[] {
  return leases.byHardwareAddress(view.htype, view.bytes, view.chaddrAt, view.chaddrLength);
}

function ofClientId({ leases, request }: ServerState): readonly Ipv4[] {
  return leases.byClientId(request.bytes, request.clientIdAt, request.clientIdLength);
}

function byAddress(state: ServerState, lease: Lease | null): ServerDrop | null {
  if (lease?.state === 'bound') return answer(state, H.DHCPLEASEACTIVE, lease, []);
  // RFC 4388 §6.4.1: ours but not given, or none of ours.
  const isOurs = state.plan.subnetOf(state.request.ciaddr) !== null;
  return answer(state, isOurs ? H.DHCPLEASEUNASSIGNED : H.DHCPLEASEUNKNOWN, null, []);
}

function answer(
  state: ServerState,
  type: number,
  lease: Lease | null,
  others: readonly Lease[],
): ServerDrop | null {
  const { request, plan, arena, delivery, observer } = state;
  const identifier = serverIdentifier(plan.config.serverIdentifier, request);
  if (identifier === UNSPECIFIED) return 'noServerAddress';
  const { view, ciaddr, giaddr } = request;
  const chaddr = view.bytes.subarray(view.chaddrAt, view.chaddrAt + view.chaddrLength);
  const message: Message = {
    op: H.BOOTREPLY,
    htype: lease?.hardwareType ?? view.htype,
    hops: 0,
    xid: view.xid,
    secs: 0,
    flags: view.flags,
    ciaddr: lease?.address ?? ciaddr,
    yiaddr: UNSPECIFIED,
    siaddr: UNSPECIFIED,
    giaddr,
    chaddr: lease?.hardwareAddress ?? chaddr,
    sname: new Uint8Array(),
    file: new Uint8Array(),
    hasCookie: true,
    options: [
      { code: OPTION.messageType, data: Uint8Array.of(type) },
      { code: OPTION.serverIdentifier, data: ipv4.encode(identifier) },
      ...(lease === null ? [] : described(state, lease, others)),
    ],
  };
  delivery.routed = true;
  delivery.source = request.unicast ? request.destination : identifier;
  delivery.sourcePort = H.SERVER_PORT;
  delivery.destination = giaddr;
  delivery.destinationPort = H.SERVER_PORT;
  const limits = { maxBytes: REPLY_MAX, overload: false };
  arena.send(delivery, encodeInto(message, arena.bytes, arena.immediateSlot(), limits, []));
  observer.reply(request.link?.name ?? '', type);
  return null;
}

// RFC 4388 §6.4.2: what was asked for, and of times what is left of them. §6.2: all, when nothing in particular was.
function described(state: ServerState, lease: Lease, others: readonly Lease[]): Option[] {
  const { request, plan } = state;
  const { renewalPercent, rebindingPercent } = plan.config;
  const { now } = request;
  const everything = request.requestListAt < 0;
  const options: Option[] = [];
  const add = (code: number, data: Uint8Array | null): void => {
    if (data !== null && (everything || request.asksFor(code))) options.push({ code, data });
  };
  const seconds = (millis: number): Uint8Array =>
    u32.encode(
      millis === Number.POSITIVE_INFINITY ? H.INFINITE : Math.max(0, Math.floor(millis / 1000)),
    );
  const left = lease.expires - now;
  // What comes after so many percent of it.
  const rest = (percent: number): number => lease.leaseSeconds * 10 * (100 - percent);
  add(OPTION.leaseTime, seconds(left));
  if (left !== Number.POSITIVE_INFINITY) {
    add(OPTION.renewalTime, seconds(left - rest(renewalPercent)));
    add(OPTION.rebindingTime, seconds(left - rest(rebindingPercent)));
  }
  if (lease.clientId !== null)
    options.push({ code: OPTION.clientIdentifier, data: lease.clientId });
  add(OPTION.vendorClass, lease.vendorClass);
  // RFC 4388 §6.4.2: time since the client was heard of.
  add(OPTION.clientLastTransaction, seconds(now - lease.lastTransaction));
  if (others.length > 0)
    add(OPTION.associatedAddress, ipv4List.encode(others.map((o) => o.address)));
  add(OPTION.relayInformation, lease.relayInformation);
  return options;
}
