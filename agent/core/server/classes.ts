import { formatHardwareAddress, hex } from '../../../codec/hardware.ts';
import { formatIpv4 } from '../../../codec/ipv4.ts';
import { messageTypeName } from '../../../codec/v4/header.ts';
import { fromUtf8 } from '../../../codec/v4/kind.ts';
import { SUB_OPTION, type SubOptionName } from '../../../codec/v4/relayinfo.ts';
import {
  type ClassMatch,
  compileClassMatch,
  type PacketFacts,
} from '../../../crds/compile/packetcel.ts';
import type { ClassConfig, SettingsConfig } from '../../../crds/types/serverconfig.ts';
import { OPTION, type Request } from './request.ts';
import { fqdnOf, textOf, userClassesOf } from './values.ts';

/** The classes that a client is in. */
export interface ClassSet {
  /** 0 for no class at all. */
  readonly id: number;
  readonly names: readonly string[];
  /** Of those classes, in the order of precedence. */
  readonly settings: readonly SettingsConfig[];
  /** The first of them that is refused, or null. */
  readonly refusedBy: string | null;
}

/** What a client is in when no class takes it. */
export const NO_CLASSES: ClassSet = { id: 0, names: [], settings: [], refusedBy: null };

/** More combinations than a network has kinds of clients; then the numbers start over. */
const SETS_MAX = 4096;

/** Finds the classes of a request. Every combination that occurs is one ClassSet. */
export class Classes {
  readonly count: number;
  private readonly matches: readonly (readonly [ClassConfig, ClassMatch])[];
  private readonly sets = new Map<string, ClassSet>();
  private lastId = 0;

  constructor(classes: readonly ClassConfig[]) {
    this.count = classes.length;
    this.matches = classes.map((entry) => [entry, compileClassMatch(entry.match)]);
  }

  of(request: Request): ClassSet {
    if (this.count === 0) return NO_CLASSES;
    const facts = new RequestFacts(request);
    const found: ClassConfig[] = [];
    for (const [entry, match] of this.matches) if (match(facts)) found.push(entry);
    if (found.length === 0) return NO_CLASSES;
    const key = found.map(({ name }) => name).join('\n');
    const known = this.sets.get(key);
    if (known !== undefined) return known;
    // Numbers are never used twice: what has been merged by them stays right.
    if (this.sets.size >= SETS_MAX) this.sets.clear();
    const set: ClassSet = {
      id: ++this.lastId,
      names: found.map(({ name }) => name),
      settings: found.map(({ settings }) => settings),
      refusedBy: found.find(({ refuse }) => refuse)?.name ?? null,
    };
    this.sets.set(key, set);
    return set;
  }
}

/** A request as class expressions see it. */
class RequestFacts implements PacketFacts {
  private readonly request: Request;

  constructor(request: Request) {
    this.request = request;
  }

  get messageType(): string {
    return messageTypeName(this.request.type);
  }
  get hardwareAddress(): string {
    const { bytes, chaddrAt, chaddrLength } = this.request.view;
    return formatHardwareAddress(bytes.subarray(chaddrAt, chaddrAt + chaddrLength));
  }
  get clientId(): string {
    return formatHardwareAddress(this.data(OPTION.clientIdentifier));
  }
  get clientIdText(): string {
    const data = this.data(OPTION.clientIdentifier);
    return fromUtf8(data[0] === 0 ? data.subarray(1) : data) ?? '';
  }
  get vendorClass(): string {
    return this.text(OPTION.vendorClass);
  }
  get userClasses(): readonly string[] {
    return userClassesOf(this.data(OPTION.userClass));
  }
  get architectures(): readonly bigint[] {
    const data = this.data(OPTION.architecture);
    return Array.from({ length: data.length >>> 1 }, (_, i) =>
      BigInt((data[2 * i]! << 8) | data[2 * i + 1]!),
    );
  }
  get hostname(): string {
    return this.text(OPTION.hostName);
  }
  get fqdn(): string {
    return fqdnOf(this.data(OPTION.clientFqdn)) ?? '';
  }
  get machineId(): string {
    return hex(this.data(OPTION.machineIdentifier).subarray(1));
  }
  get requestedOptions(): readonly bigint[] {
    return Array.from(this.data(OPTION.parameterRequestList), BigInt);
  }
  get circuitId(): string {
    return this.subText('circuitId');
  }
  get remoteId(): string {
    return this.subText('remoteId');
  }
  get subscriberId(): string {
    return this.subText('subscriberId');
  }
  get relayId(): string {
    return this.subText('relayId');
  }
  get vrf(): string {
    const data = this.subData('virtualSubnet');
    // RFC 6607 §3.4: type 0 is a name.
    return data[0] === 0 ? (fromUtf8(data.subarray(1)) ?? '') : '';
  }
  get giaddr(): string {
    return formatIpv4(this.request.giaddr);
  }
  get ciaddr(): string {
    return formatIpv4(this.request.ciaddr);
  }
  get interface(): string {
    return this.request.link?.name ?? '';
  }

  option(code: number): string {
    return hex(this.data(code));
  }
  text(code: number): string {
    return textOf(this.data(code)) ?? '';
  }
  sent(code: number): boolean {
    return this.request.find(code) >= 0;
  }

  private data(code: number): Uint8Array {
    const { request } = this;
    const at = request.find(code);
    return at < 0 ? NOTHING : request.bytes.subarray(at, at + request.length);
  }

  private subData(name: SubOptionName): Uint8Array {
    const { request } = this;
    const at = request.findSubOption(SUB_OPTION[name]);
    return at < 0 ? NOTHING : request.relayBytes.subarray(at, at + request.length);
  }

  /** What is not text, as most remote-ids, is given in hex with colons. */
  private subText(name: SubOptionName): string {
    const data = this.subData(name);
    const text = textOf(data);
    return text !== null && !/[\p{C}]/u.test(text) ? text : formatHardwareAddress(data);
  }
}

const NOTHING = new Uint8Array();
