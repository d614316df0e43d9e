import { type Ipv4, readIpv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import * as H from '../../../codec/v4/header.ts';
import { decodeMessage } from '../../../codec/v4/message.ts';
import { SUB_OPTION, subOptionAt } from '../../../codec/v4/relayinfo.ts';
import { MessageView } from '../../../codec/v4/view.ts';
import { type HashKey, sipHash } from '../lease/siphash.ts';
import type { ServerLink } from './links.ts';

/** Codes of the options that the server itself reads or writes. */
export const OPTION = {
  subnetMask: 1,
  routers: 3,
  hostName: 12,
  broadcastAddress: 28,
  vendorSpecific: 43,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverIdentifier: 54,
  parameterRequestList: 55,
  message: 56,
  maxMessageSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  vendorClass: 60,
  clientIdentifier: 61,
  tftpServerName: 66,
  bootFileName: 67,
  userClass: 77,
  rapidCommit: 80,
  clientFqdn: 81,
  relayInformation: 82,
  clientLastTransaction: 91,
  associatedAddress: 92,
  architecture: 93,
  machineIdentifier: 97,
  ipv6OnlyPreferred: 108,
  autoConfigure: 116,
  subnetSelection: 118,
  classlessStaticRoutes: 121,
  microsoftClasslessStaticRoutes: 249,
} as const;

/** Options of a message whose options are split or lie in `sname` and `file`; a slot is 2 KiB, so they all fit. */
const MERGED_MAX = 4096;

/** Who is asking: by client identifier, by hardware address, or, for a clone, by both. */
export type IdentityKind = 'clientId' | 'hardware' | 'both';

/** A message from a client and where it came from; filled again for each one, nothing is allocated. */
export class Request {
  readonly view = new MessageView();
  now: Millis = 0;
  ifindex = 0;
  /** The link it came in on, if that is a served one. */
  link: ServerLink | null = null;
  source: Ipv4 = UNSPECIFIED;
  sourcePort = 0;
  destination: Ipv4 = UNSPECIFIED;
  destinationPort = 0;
  /** Addressed to one of our addresses, not to everyone. */
  unicast = false;
  /** Who sent the frame: octets, and the first eight of them as two words. */
  senderLength = 0;
  senderHigh = 0;
  senderLow = 0;

  /** Where the options lie: the message, or what has been put together from its parts. */
  bytes: Buffer = this.view.bytes;
  /** Octets of the data of the option that `find` has found. */
  length = 0;

  type = 0;
  giaddr: Ipv4 = UNSPECIFIED;
  ciaddr: Ipv4 = UNSPECIFIED;
  /** Options 54 and 50; UNSPECIFIED when they are not there. */
  serverIdentifier: Ipv4 = UNSPECIFIED;
  requestedAddress: Ipv4 = UNSPECIFIED;
  clientIdAt = 0;
  clientIdLength = 0;
  requestListAt = 0;
  requestListLength = 0;

  /** The data of option 82: the request's own or what was remembered of the client, and where it lies. */
  relayBytes: Buffer = this.view.bytes;
  relayAt = 0;
  relayLength = 0;
  /** Whether the request itself brought option 82, which is then echoed. */
  relayEchoed = false;

  identity: IdentityKind = 'hardware';
  hash = 0;
  check = 0;

  private readonly keys: readonly [HashKey, HashKey];
  private readonly merged = Buffer.alloc(MERGED_MAX);
  private readonly mergedAt = new Int32Array(256);
  private readonly mergedLength = new Int32Array(256);
  private isMerged = false;

  constructor(keys: readonly [HashKey, HashKey]) {
    this.keys = keys;
  }

  /** Reads what every decision needs out of `view`; false when its options cannot be read. */
  read(): boolean {
    const { view } = this;
    this.isMerged = false;
    this.bytes = view.bytes;
    if (view.hasCookie) {
      if (view.optionsFault === 'truncated') return false;
      // RFC 3396 §5 and RFC 2131 §4.1: all instances, and the fields that option 52 names, are one.
      if ((view.repeated || view.overload !== 0) && !this.merge()) return false;
    }
    this.type = view.messageType;
    this.giaddr = view.giaddr;
    this.ciaddr = view.ciaddr;
    this.serverIdentifier = this.address(OPTION.serverIdentifier);
    this.requestedAddress = this.address(OPTION.requestedAddress);
    this.requestListAt = this.find(OPTION.parameterRequestList);
    this.requestListLength = this.requestListAt < 0 ? 0 : this.length;
    this.clientIdAt = this.find(OPTION.clientIdentifier);
    // RFC 2132 §9.14: the minimum length is 2. What is shorter identifies nobody.
    this.clientIdLength = this.clientIdAt < 0 || this.length < 2 ? 0 : this.length;
    this.relayAt = this.find(OPTION.relayInformation);
    this.relayEchoed = this.relayAt >= 0;
    this.relayLength = this.relayEchoed ? this.length : 0;
    this.relayBytes = this.bytes;
    return true;
  }

  /** Offset in `bytes` of the data of an option, `length` octets long, or -1. */
  find(code: number): number {
    if (this.isMerged) {
      this.length = this.mergedLength[code]!;
      return this.mergedAt[code]!;
    }
    const { view } = this;
    const at = view.hasCookie ? view.at(code) : -1;
    if (at < 0) return -1;
    this.length = view.bytes[at + 1]!;
    return at + 2;
  }

  /** An option of four octets as an address; UNSPECIFIED when it is not there. */
  address(code: number): Ipv4 {
    const at = this.find(code);
    return at >= 0 && this.length === 4 ? readIpv4(this.bytes, at) : UNSPECIFIED;
  }

  /** An option of four octets as a number, or -1. */
  u32(code: number): number {
    const at = this.find(code);
    return at >= 0 && this.length === 4 ? readIpv4(this.bytes, at) : -1;
  }

  /** Whether the client asks for an option. */
  asksFor(code: number): boolean {
    const end = this.requestListAt + this.requestListLength;
    for (let at = this.requestListAt; at < end; at++) if (this.bytes[at] === code) return true;
    return false;
  }

  /** Offset in `relayBytes` of the data of a sub-option of option 82, `length` octets long, or -1. */
  findSubOption(code: number): number {
    if (this.relayLength === 0) return -1;
    const { relayBytes, relayAt } = this;
    const at = subOptionAt(relayBytes, relayAt, relayAt + this.relayLength, code);
    if (at < 0) return -1;
    this.length = relayBytes[at + 1]!;
    return at + 2;
  }

  /** A sub-option of four octets as an address; UNSPECIFIED when it is not there. */
  subAddress(code: number): Ipv4 {
    const at = this.findSubOption(code);
    return at >= 0 && this.length === 4 ? readIpv4(this.relayBytes, at) : UNSPECIFIED;
  }

  /** Takes for option 82 what was remembered with the lease; it is not echoed. */
  remember(relayInformation: Uint8Array): void {
    const { buffer, byteOffset, length } = relayInformation;
    this.relayBytes = Buffer.from(buffer, byteOffset, length);
    this.relayAt = 0;
    this.relayLength = length;
  }

  /** Decides what tells this client from others; everything that is looked up by client uses it. */
  identify(identity: IdentityKind): void {
    this.identity = identity;
    this.hash = this.digest(this.keys[0]) | 0;
    this.check = this.digest(this.keys[1]) | 0;
  }

  /** A 32-bit hash of the hardware address, or of the identifier of who has none (RFC 4390), for limits. */
  clientHash(): number {
    const { view, bytes, clientIdAt, clientIdLength } = this;
    if (view.hlen === 0)
      return sipHash(bytes, clientIdAt, clientIdAt + clientIdLength, this.keys[0]);
    return sipHash(view.bytes, view.chaddrAt, view.chaddrAt + view.chaddrLength, this.keys[0]);
  }

  /** A 32-bit hash of relay and circuit, or 0 when it came without circuit-id. */
  circuitHash(): number {
    const at = this.findSubOption(SUB_OPTION.circuitId);
    if (at < 0) return 0;
    // RFC 3046 §3.1: unique within its relay only.
    return (sipHash(this.relayBytes, at, at + this.length, this.keys[0]) ^ this.giaddr) | 1;
  }

  private digest(key: HashKey): number {
    const { view, bytes } = this;
    let hash = 0;
    if (this.identity !== 'hardware') {
      hash = sipHash(bytes, this.clientIdAt, this.clientIdAt + this.clientIdLength, key);
    }
    if (this.identity === 'clientId') return hash;
    const end = view.chaddrAt + view.chaddrLength;
    return hash ^ Math.imul(sipHash(view.bytes, view.chaddrAt, end, key) ^ view.htype, 0x9e3779b1);
  }

  private merge(): boolean {
    const { view, merged, mergedAt, mergedLength } = this;
    const message = decodeMessage(view.bytes.subarray(view.start, view.end));
    if (typeof message === 'string') return false;
    mergedAt.fill(-1);
    let at = 0;
    for (const { code, data } of message.options) {
      if (at + data.length > MERGED_MAX) return false;
      merged.set(data, at);
      mergedAt[code] = at;
      mergedLength[code] = data.length;
      at += data.length;
    }
    this.isMerged = true;
    this.bytes = merged;
    view.messageType =
      this.find(OPTION.messageType) >= 0 ? merged[mergedAt[OPTION.messageType]!]! : 0;
    return true;
  }
}

/** Octets of `chaddr` that count, as the lease table and the reply take them. */
export function hardwareLength(view: MessageView): number {
  return Math.min(view.hlen, H.CHADDR_LENGTH);
}
