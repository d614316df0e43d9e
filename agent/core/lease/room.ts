import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Lease } from '../lease.ts';

/** A lease that is being filled in. */
export type Draft = { -readonly [field in keyof Lease]: Lease[field] };

const NO_OCTETS = new Uint8Array();

/** A lease of which nothing is known yet. */
export function blankLease(): Draft {
  return {
    address: 0 as Ipv4,
    state: 'bound',
    hardwareType: 0,
    hardwareAddress: NO_OCTETS,
    clientId: null,
    subnet: '',
    starts: 0,
    lastTransaction: 0,
    expires: 0,
    leaseSeconds: 0,
    serverIdentifier: 0 as Ipv4,
    giaddr: 0 as Ipv4,
    relayInformation: null,
    interfaceName: null,
    hostname: null,
    fqdn: null,
    vendorClass: null,
    userClass: null,
    architecture: null,
    epoch: 0,
    reserved: false,
    bootp: false,
  };
}

/** The longest array that is kept for the next time. */
const KEPT_LENGTH = 255;

/** Makes an array of the octets of one field. */
export interface Octets {
  of(bytes: Uint8Array, at: number, length: number): Uint8Array;
}

/** In an array of their length that is used again for the next of that length. */
class KeptOctets implements Octets {
  private readonly arrays: (Uint8Array | undefined)[] = [];

  of(bytes: Uint8Array, at: number, length: number): Uint8Array {
    if (length > KEPT_LENGTH) return newOctets.of(bytes, at, length);
    this.arrays[length] ??= new Uint8Array(length);
    return filled(this.arrays[length], bytes, at);
  }
}

const newOctets: Octets = {
  of: (bytes, at, length) => filled(new Uint8Array(length), bytes, at),
};

// They are few: a loop beats a call that copies.
function filled(array: Uint8Array, bytes: Uint8Array, at: number): Uint8Array {
  for (let i = 0; i < array.length; i++) array[i] = bytes[at + i]!;
  return array;
}

/** A text that is mostly the same as the last time. */
export class Name {
  private octets: Uint8Array = NO_OCTETS;
  private text = '';

  of(bytes: Buffer, start: number, end: number): string {
    const { octets } = this;
    let same = octets.length === end - start;
    for (let i = 0; same && i < octets.length; i++) same = octets[i] === bytes[start + i];
    if (same) return this.text;
    this.octets = new Uint8Array(bytes.subarray(start, end));
    this.text = bytes.toString('utf8', start, end);
    return this.text;
  }
}

/** Room for the fields of a lease that are not numbers. */
export interface FieldRoom {
  readonly hardware: Octets;
  readonly clientId: Octets;
  readonly relayInformation: Octets;
  readonly vendorClass: Octets;
  readonly userClass: Octets;
  readonly architecture: Octets;
  readonly subnet: Name;
  readonly interfaceName: Name;
}

/**
 * Room for one lease, filled again and again where leases are looked at a hundred thousand times a second. What is in
 * it is good until it is filled with the next.
 */
export class LeaseRoom implements FieldRoom {
  readonly lease = blankLease();
  readonly hardware: Octets = new KeptOctets();
  readonly clientId: Octets = new KeptOctets();
  readonly relayInformation: Octets = new KeptOctets();
  readonly vendorClass: Octets = new KeptOctets();
  readonly userClass: Octets = new KeptOctets();
  readonly architecture: Octets = new KeptOctets();
  readonly subnet = new Name();
  readonly interfaceName = new Name();
}

/** Where every lease has arrays of its own. */
export const NEW_FIELDS: FieldRoom = {
  hardware: newOctets,
  clientId: newOctets,
  relayInformation: newOctets,
  vendorClass: newOctets,
  userClass: newOctets,
  architecture: newOctets,
  subnet: new Name(),
  interfaceName: new Name(),
};
