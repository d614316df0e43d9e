import type { Ipv4 } from '../../../codec/ipv4.ts';
import { SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import type { ClientMatch } from '../../../crds/types/serverconfig.ts';
import { hashBytes } from '../limit.ts';
import type { Subnet } from './plan.ts';
import type { Request } from './request.ts';
import type { ReservedSettings } from './settings.ts';

/** A reservation in its subnet. */
export interface Reservation {
  readonly subnet: Subnet;
  readonly address: Ipv4 | null;
  readonly match: ClientMatch;
  readonly settings: ReservedSettings | null;
}

type Index = Map<number, Reservation[]>;

/** The reservations of one network, found by what the client sends. */
export class Reservations {
  /** How many there are. */
  size = 0;
  private readonly clientIds: Index = new Map();
  private readonly hardware: Index = new Map();
  private readonly circuits: Index = new Map();
  private readonly remotes: Index = new Map();
  private readonly options = new Map<number, Index>();

  add(reservation: Reservation): void {
    const { match } = reservation;
    this.size++;
    put(this.indexOf(match), match.octets, reservation);
    if (match.kind === 'clientId' && match.orTyped) {
      put(this.clientIds, withTypeZero(match.octets), reservation);
    }
  }

  /** The reservation for a client; of several the one that is most particular, in `subnet` if there is a choice. */
  find(request: Request, subnet: Subnet): Reservation | null {
    if (this.size === 0) return null;
    const { view, bytes, relayBytes } = request;
    const { clientIdAt, clientIdLength } = request;
    let found: Reservation | null = null;
    if (clientIdLength > 0) found = get(this.clientIds, bytes, clientIdAt, clientIdLength, subnet);
    found ??= get(this.hardware, view.bytes, view.chaddrAt, view.chaddrLength, subnet);
    if (found !== null) return found;
    for (const [code, index] of this.options) {
      const at = request.find(code);
      if (at >= 0) found ??= get(index, bytes, at, request.length, subnet);
    }
    if (found !== null || request.relayLength === 0) return found;
    const circuit = this.circuits.size === 0 ? -1 : request.findSubOption(SUB_OPTION.circuitId);
    if (circuit >= 0) found = get(this.circuits, relayBytes, circuit, request.length, subnet);
    if (found !== null) return found;
    const remote = this.remotes.size === 0 ? -1 : request.findSubOption(SUB_OPTION.remoteId);
    return remote < 0 ? null : get(this.remotes, relayBytes, remote, request.length, subnet);
  }

  private indexOf(match: ClientMatch): Index {
    switch (match.kind) {
      case 'clientId':
        return this.clientIds;
      case 'hardwareAddress':
        return this.hardware;
      case 'circuitId':
        return this.circuits;
      case 'remoteId':
        return this.remotes;
      case 'option': {
        const index = this.options.get(match.code) ?? new Map();
        this.options.set(match.code, index);
        return index;
      }
    }
  }
}

/** Whether a request comes from the client that is meant. */
export function isMeant(match: ClientMatch, request: Request): boolean {
  const { view } = request;
  switch (match.kind) {
    case 'hardwareAddress':
      return same(match, view.bytes, view.chaddrAt, view.chaddrLength);
    case 'clientId':
      return same(match, request.bytes, request.clientIdAt, request.clientIdLength);
    case 'circuitId':
    case 'remoteId': {
      const at = request.findSubOption(SUB_OPTION[match.kind]);
      return at >= 0 && same(match, request.relayBytes, at, request.length);
    }
    case 'option': {
      const at = request.find(match.code);
      return at >= 0 && same(match, request.bytes, at, request.length);
    }
  }
}

/** Describes a match for people. */
export const MATCH_WORDS: { readonly [kind in ClientMatch['kind']]: string } = {
  hardwareAddress: 'hardware address',
  clientId: 'client identifier',
  circuitId: 'circuit-id',
  remoteId: 'remote-id',
  option: 'an option',
};

function put(index: Index, octets: Uint8Array, reservation: Reservation): void {
  const hash = hashBytes(octets, 0, octets.length, 0);
  const chain = index.get(hash);
  if (chain === undefined) index.set(hash, [reservation]);
  else chain.push(reservation);
}

function get(
  index: Index,
  bytes: Uint8Array,
  at: number,
  length: number,
  subnet: Subnet,
): Reservation | null {
  if (index.size === 0) return null;
  const chain = index.get(hashBytes(bytes, at, length, 0));
  if (chain === undefined) return null;
  let found: Reservation | null = null;
  for (const reservation of chain) {
    if (!same(reservation.match, bytes, at, length)) continue;
    if (reservation.subnet === subnet) return reservation;
    found ??= reservation;
  }
  return found;
}

function same(match: ClientMatch, bytes: Uint8Array, at: number, length: number): boolean {
  const { octets } = match;
  if (equals(octets, bytes, at, length)) return true;
  // RFC 2132 §9.14: type 0 says that what follows is no hardware address; some put it in front of their text.
  return (
    match.kind === 'clientId' &&
    match.orTyped &&
    bytes[at] === 0 &&
    equals(octets, bytes, at + 1, length - 1)
  );
}

/** Whether bytes[at, at + length) are these octets. */
export function equals(octets: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  if (octets.length !== length) return false;
  for (let i = 0; i < length; i++) if (octets[i] !== bytes[at + i]) return false;
  return true;
}

function withTypeZero(octets: Uint8Array): Uint8Array {
  const typed = new Uint8Array(octets.length + 1);
  typed.set(octets, 1);
  return typed;
}

/** Whether what is reserved goes with the place and not with the machine, so that a new machine takes it over. */
export function isOfPlace(match: ClientMatch): boolean {
  return match.kind === 'circuitId' || match.kind === 'remoteId' || match.kind === 'option';
}
