import { type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { FILE_LENGTH, INFINITE } from '../../../codec/v4/header.ts';
import { utf8 } from '../../../codec/v4/kind.ts';
import { SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import type { Ticket } from '../lease.ts';
import { bootOptions, nextServer, selectBoot, variantOf } from './boot.ts';
import { address as addressTo } from './destination.ts';
import type { ServerDrop } from './drops.ts';
import { answerFqdn } from './fqdn.ts';
import type { ServerPool, Subnet } from './plan.ts';
import { writeReply } from './reply.ts';
import { OPTION, type Request } from './request.ts';
import { type Effective, encodeOption } from './settings.ts';
import type { ServerState } from './state.ts';

const NO_EXTRA = (): ReadonlyMap<number, Uint8Array> => new Map();

/** What holds for the client with an address of this pool, or of the subnet outside its pools. */
export function effectiveFor(
  { client }: ServerState,
  subnet: Subnet,
  pool: ServerPool | null,
): Effective {
  const scope = pool === null ? subnet.scope : pool.scope;
  return scope.effective(client.classes, client.reservation?.settings ?? null);
}

/** Starts a reply of this type: who answers, and what every reply echoes. */
export function begin({ plan, reply, request, client }: ServerState, type: number): void {
  reply.reset(type);
  reply.serverIdentifier = serverIdentifier(plan.config.serverIdentifier, request);
  reply.echoClientId = plan.config.echoClientId;
  reply.echoSubnetSelection = client.bySubnetSelection;
  reply.virtualSubnetUnderstood = client.byVirtualSubnet;
}

/** Adds the options and what is to be booted. */
export function addSettings(state: ServerState, effective: Effective): void {
  const { reply, request, client, trace } = state;
  const { bytes, requestListAt, requestListLength } = request;
  const length = requestListAt < 0 ? -1 : requestListLength;
  const boot = selectBoot(effective.boot, request, client.classes);
  if (boot === null) {
    reply.block = effective.blocks.get(bytes, requestListAt, length, 0, NO_EXTRA);
  } else {
    const variant = variantOf(boot);
    const extra = (): ReadonlyMap<number, Uint8Array> => bootOptions(boot);
    reply.block = effective.blocks.get(bytes, requestListAt, length, variant, extra);
    reply.siaddr = nextServer(boot, reply.serverIdentifier);
    const { serverName, file } = boot.entry;
    if (serverName !== null) reply.sname = utf8(serverName);
    const name = utf8(file);
    // Longer ones, URLs mostly, are in option 67 only.
    if (name.length < FILE_LENGTH) reply.file = name;
    trace?.push({ about: 'boot', because: `${file}, entry ${boot.index} of the table` });
  }
  addOwn(state, boot !== null);
}

// Options that answer what this one client sent.
function addOwn({ reply, request }: ServerState, boots: boolean): void {
  const own: Uint8Array[] = [];
  const fqdn = request.find(OPTION.clientFqdn);
  if (fqdn >= 0) {
    const answer = answerFqdn(request.bytes.subarray(fqdn, fqdn + request.length));
    if (answer !== null) own.push(answer);
  }
  // RFC 4578 §2.3 and PXE 2.1 §2.2.1: the machine's identifier goes back to who boots.
  const machine = boots ? request.find(OPTION.machineIdentifier) : -1;
  if (machine >= 0 && request.length === 17) {
    const data = request.bytes.subarray(machine, machine + 17);
    own.push(encodeOption(OPTION.machineIdentifier, data));
  }
  if (own.length > 0) reply.own = own;
}

/** Adds the lease time and when to renew it (RFC 2131 §4.4.5). */
export function addTimes({ plan, reply }: ServerState, seconds: number): void {
  reply.leaseSeconds = seconds;
  if (seconds === INFINITE) return;
  const { renewalPercent, rebindingPercent } = plan.config;
  reply.renewalSeconds = Math.floor((seconds * renewalPercent) / 100);
  reply.rebindingSeconds = Math.floor((seconds * rebindingPercent) / 100);
}

/** How long the address is given for, in seconds (RFC 2131 §4.3.1). */
export function leaseSeconds(effective: Effective, request: Request): number {
  // Deviates from RFC 2131 §4.3.1, by which a client that comes back without asking for a time gets what is left of its
  // lease: every server gives a full one, and a rebooting client would lose its address within minutes.
  const asked = request.u32(OPTION.leaseTime);
  if (asked < 0) return effective.leaseTime;
  return Math.max(Math.min(asked, effective.maxLeaseTime), effective.minLeaseTime);
}

/** The address that the client is to know us by (RFC 2131 §4.1, RFC 5107 §4). */
export function serverIdentifier(configured: Ipv4 | null, request: Request): Ipv4 {
  if (request.giaddr !== UNSPECIFIED) {
    const override = request.subAddress(SUB_OPTION.serverIdOverride);
    if (override !== UNSPECIFIED) return override;
  }
  return configured ?? ownAddress(request);
}

/** The address of ours that the request came to, or that speaks for the link. */
function ownAddress({ unicast, destination, link }: Request): Ipv4 {
  return unicast ? destination : (link?.source ?? UNSPECIFIED);
}

/** Sends the reply at once. `ciaddr` is where the client is reached if it has an address. */
export function sendNow(state: ServerState, ciaddr: Ipv4): ServerDrop | null {
  const { arena, request, reply, delivery } = state;
  const drop = prepare(state, ciaddr);
  if (drop !== null) return drop;
  const { end, informationOmitted } = writeReply(
    arena.bytes,
    arena.immediateSlot(),
    request,
    reply,
  );
  arena.send(delivery, end);
  counted(state, informationOmitted);
  return null;
}

/** Sends the reply when the lease it speaks of is durable. There must be room for it. */
export function sendWhenDurable(state: ServerState, ciaddr: Ipv4, ticket: Ticket): void {
  const { arena, request, reply, delivery } = state;
  if (prepare(state, ciaddr) !== null) return;
  const { end, informationOmitted } = writeReply(arena.bytes, arena.heldSlot(), request, reply);
  arena.hold(delivery, end, ticket);
  counted(state, informationOmitted);
}

/** Whether a reply could be sent, for who must know before it writes a lease. */
export function canAnswer({ request, plan }: ServerState): boolean {
  const source = sourceOf(plan.config.serverIdentifier, request);
  return source !== UNSPECIFIED && (request.giaddr !== UNSPECIFIED || request.link !== null);
}

function prepare(state: ServerState, ciaddr: Ipv4): ServerDrop | null {
  const { request, reply, delivery, plan } = state;
  const source = sourceOf(plan.config.serverIdentifier, request);
  if (source === UNSPECIFIED) return 'noServerAddress';
  const found = addressTo(delivery, request, source, reply.type, ciaddr, reply.yiaddr);
  return found ? null : 'notServed';
}

// Replies come from where the request went to, which is what relays and firewalls expect.
function sourceOf(configured: Ipv4 | null, request: Request): Ipv4 {
  const own = ownAddress(request);
  return own === UNSPECIFIED ? (configured ?? UNSPECIFIED) : own;
}

function counted({ observer, request, reply }: ServerState, informationOmitted: boolean): void {
  observer.reply(request.link?.name ?? '', reply.type);
  if (informationOmitted) observer.informationOmitted();
}
