import { type Ipv4, writeIpv4 } from '../../../codec/ipv4.ts';
import { SUB_OPTION, subOptionAt } from '../../../codec/v4/relayinfo.ts';
import type { MessageView } from '../../../codec/v4/view.ts';

const RELAY_INFORMATION = 82;
/** The length octet of option 82; sub-options that do not fit are left out. */
const DATA_MAX = 255;
/** RFC 5010 §3: the request came by unicast. */
const UNICAST_FLAG = 0x80;

/** What option 82 says of a link; what is null or absent is not said. */
export interface InformationParts {
  readonly circuitId: Uint8Array;
  readonly remoteId: Uint8Array | null;
  readonly subscriberId: Uint8Array | null;
  readonly relayId: Uint8Array | null;
  /** An address on the client's link (RFC 3527). */
  readonly linkSelection: Ipv4 | null;
  /** The address clients shall take for the server's (RFC 5107). */
  readonly serverIdOverride: Ipv4 | null;
  /** Another UDP port than 67 is in use (RFC 8357). */
  readonly sourcePort: boolean;
  /** Type octet and data (RFC 6607 §3.4). */
  readonly virtualSubnet: Uint8Array | null;
}

/** Option 82 as this relay puts it into requests from one link, encoded once. */
export interface Information {
  /** Code, length and data for a request that came by broadcast, and for one that came by unicast. */
  readonly broadcast: Buffer;
  readonly unicast: Buffer;
  /** Octets of `broadcast` that tell one link from another: the circuit-id sub-option, whole. */
  readonly circuit: Buffer;
  readonly virtualSubnet: boolean;
  /** Sub-options that did not fit. */
  readonly omitted: readonly number[];
}

/** Encodes option 82. The sub-options that find the way back come first, so that they are the last to be left out. */
export function encodeInformation(parts: InformationParts): Information {
  const flags = parts.serverIdOverride === null ? null : Buffer.of(0);
  const wanted: readonly (readonly [number, Uint8Array | null])[] = [
    [SUB_OPTION.circuitId, parts.circuitId],
    [SUB_OPTION.linkSelection, octets(parts.linkSelection)],
    [SUB_OPTION.serverIdOverride, octets(parts.serverIdOverride)],
    [SUB_OPTION.flags, flags],
    [SUB_OPTION.sourcePort, parts.sourcePort ? Buffer.alloc(0) : null],
    [SUB_OPTION.virtualSubnet, parts.virtualSubnet],
    // RFC 6607 §3.5: the server takes this one out again, or else it does not know virtual subnets.
    [SUB_OPTION.virtualSubnetControl, parts.virtualSubnet === null ? null : Buffer.alloc(0)],
    [SUB_OPTION.remoteId, parts.remoteId],
    [SUB_OPTION.relayId, parts.relayId],
    [SUB_OPTION.subscriberId, parts.subscriberId],
  ];
  const kept: Buffer[] = [];
  const omitted: number[] = [];
  let length = 0;
  let flagsAt = -1;
  for (const [code, data] of wanted) {
    if (data === null) continue;
    if (length + 2 + data.length > DATA_MAX) {
      omitted.push(code);
      continue;
    }
    if (code === SUB_OPTION.flags) flagsAt = 2 + length + 2;
    kept.push(Buffer.of(code, data.length), Buffer.from(data));
    length += 2 + data.length;
  }
  const broadcast = Buffer.concat([Buffer.of(RELAY_INFORMATION, length), ...kept]);
  const unicast = Buffer.from(broadcast);
  if (flagsAt >= 0) unicast[flagsAt] = UNICAST_FLAG;
  const circuit = Buffer.from([SUB_OPTION.circuitId, parts.circuitId.length, ...parts.circuitId]);
  return { broadcast, unicast, circuit, virtualSubnet: parts.virtualSubnet !== null, omitted };
}

/** Whether the sub-option stands, with this very value, in the option 82 whose code octet is at `at`. */
export function holdsSubOption(bytes: Buffer, at: number, subOption: Buffer): boolean {
  const end = at + 2 + bytes[at + 1]!;
  const found = subOptionAt(bytes, at + 2, end, subOption[0]!);
  return (
    found >= 0 &&
    bytes[found + 1] === subOption[1] &&
    sameBytes(bytes, found, subOption, 0, subOption.length)
  );
}

/** Whether the option 82 at `at` still has the control sub-option that a server which knows RFC 6607 takes out. */
export function virtualSubnetIgnored(bytes: Buffer, at: number): boolean {
  return holdsSubOption(bytes, at, CONTROL);
}

const CONTROL = Buffer.of(SUB_OPTION.virtualSubnetControl, 0);

/**
 * Takes out of a reply the relay information that this relay put into the request, and nothing else
 * (RFC 3046 §2.1). A server may have put ours behind what a trusted switch said, in one option (RFC 3396) or in two;
 * it may have dropped sub-options it does not know. Returns whether anything was ours.
 */
export function stripInformation(view: MessageView, ours: Information, appended: boolean): boolean {
  const at = view.relayInformationAt;
  if (at < 0) return false;
  const bytes = view.bytes;
  const length = bytes[at + 1]!;
  if (isOurs(bytes, at, length, ours) || (!appended && holdsSubOption(bytes, at, ours.circuit))) {
    view.remove(at);
    return true;
  }
  return appended && stripTail(view, at, ours);
}

function isOurs(bytes: Buffer, at: number, length: number, ours: Information): boolean {
  return length === ours.broadcast[1]! && endsWithOurs(bytes, at, length, ours);
}

function endsWithOurs(bytes: Buffer, at: number, length: number, ours: Information): boolean {
  const data = ours.broadcast.length - 2;
  const from = at + 2 + length - data;
  return (
    length >= data &&
    (sameBytes(bytes, from, ours.broadcast, 2, data) ||
      sameBytes(bytes, from, ours.unicast, 2, data))
  );
}

function stripTail(view: MessageView, at: number, ours: Information): boolean {
  const length = view.bytes[at + 1]!;
  if (!endsWithOurs(view.bytes, at, length, ours)) return false;
  const data = ours.broadcast.length - 2;
  view.bytes[at + 1] = length - data;
  view.bytes.copyWithin(at + 2 + length - data, at + 2 + length, view.end);
  view.end -= data;
  view.scan();
  return true;
}

function sameBytes(a: Buffer, aAt: number, b: Buffer, bAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

function octets(ip: Ipv4 | null): Buffer | null {
  if (ip === null) return null;
  const bytes = Buffer.alloc(4);
  writeIpv4(bytes, 0, ip);
  return bytes;
}
