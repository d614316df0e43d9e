import { type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { DHCPACK, DHCPOFFER } from '../../../codec/v4/header.ts';
import { addSettings, begin, sendNow } from './answer.ts';
import { kindOf, selectBoot } from './boot.ts';
import type { ServerDrop } from './drops.ts';
import { OPTION } from './request.ts';
import type { ServerState } from './state.ts';

/** The port that boot clients ask a proxy at, once they have an address (PXE 2.1 §2.2.4). */
export const PROXY_PORT = 4011;

/** Tells a booting client what to load, and leaves the address to another server (PXE 2.1 §2.2.2). */
export function proxyOffer(state: ServerState): ServerDrop | null {
  return answer(state, DHCPOFFER, UNSPECIFIED);
}

/** The same in answer to a DHCPREQUEST or DHCPINFORM, which come from a client that has its address. */
export function proxyAck(state: ServerState): ServerDrop | null {
  const { request } = state;
  // A DHCPREQUEST to port 67 is about an address.
  if (request.destinationPort !== PROXY_PORT) return 'notSelected';
  return answer(state, DHCPACK, request.ciaddr === UNSPECIFIED ? request.source : request.ciaddr);
}

function answer(state: ServerState, type: number, ciaddr: Ipv4): ServerDrop | null {
  const { client, request, reply } = state;
  const kind = kindOf(request);
  if (kind === 'plain') return 'nothingToBoot';
  const effective = client.subnet.scope.effective(
    client.classes,
    client.reservation?.settings ?? null,
  );
  if (selectBoot(effective.boot, request, client.classes) === null) return 'nothingToBoot';
  begin(state, type);
  reply.ciaddr = type === DHCPACK ? request.ciaddr : UNSPECIFIED;
  addSettings(state, effective);
  // What the proxy says of the network would contradict the other server; the boot options alone are its own.
  reply.block = bootOnly(reply.block);
  return sendNow(state, ciaddr);
}

const BOOT_OPTIONS: ReadonlySet<number> = new Set([
  OPTION.vendorSpecific,
  OPTION.vendorClass,
  OPTION.tftpServerName,
  OPTION.bootFileName,
]);

function bootOnly(block: Uint8Array): Uint8Array {
  const kept: number[] = [];
  for (let at = 0; at < block.length; at += 2 + block[at + 1]!) {
    if (BOOT_OPTIONS.has(block[at]!)) kept.push(...block.subarray(at, at + 2 + block[at + 1]!));
  }
  return Uint8Array.from(kept);
}
