/** IEEE 802 numbers that this project meets (`EtherType`). */
export const ETHERTYPE = {
  IPV4: 0x0800,
  ARP: 0x0806,
  VLAN: 0x8100,
  PROVIDER_VLAN: 0x88a8,
} as const;

/** ff:ff:ff:ff:ff:ff, everyone on the link. */
export const ETHERNET_BROADCAST: Uint8Array = Uint8Array.of(255, 255, 255, 255, 255, 255);

/** One tag: a customer's (IEEE 802.1Q) or a provider's (802.1ad). */
export interface VlanTag {
  readonly protocol: typeof ETHERTYPE.VLAN | typeof ETHERTYPE.PROVIDER_VLAN;
  /** 0 to 7. */
  readonly priority: number;
  readonly dropEligible: boolean;
  /** 1 to 4094; 0 means that only the priority is meant. */
  readonly vlan: number;
}

/** An Ethernet II frame without its check sequence. */
export interface EthernetFrame {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  /** The outermost first. */
  readonly tags: readonly VlanTag[];
  /** EtherType of the payload. */
  readonly type: number;
  /** As it came: padding to the minimum of 60 octets is part of it. */
  readonly payload: Uint8Array;
}

/** Why bytes are no Ethernet II frame. `lengthNotType`: IEEE 802.3 with LLC, which carries no IPv4 here (RFC 894). */
export type EthernetFault = 'truncated' | 'tooManyTags' | 'lengthNotType';

/** One of a provider and one of a customer (802.1ad §8.5), and as many again for those who stack twice. */
const TAGS_MAX = 4;
const ADDRESSES = 12;
/** From here on the field is a type, below it a length (IEEE 802.3 §3.2.6). */
const TYPE_MIN = 0x0600;

/** Reads a frame; the payload is a view of the same bytes. */
export function decodeFrame(bytes: Uint8Array): EthernetFrame | EthernetFault {
  const tags: VlanTag[] = [];
  let at = ADDRESSES;
  for (;;) {
    if (at + 2 > bytes.length) return 'truncated';
    const type = u16(bytes, at);
    if (type !== ETHERTYPE.VLAN && type !== ETHERTYPE.PROVIDER_VLAN) {
      if (type < TYPE_MIN) return 'lengthNotType';
      const payload = bytes.subarray(at + 2);
      return { destination: bytes.slice(0, 6), source: bytes.slice(6, 12), tags, type, payload };
    }
    if (at + 4 > bytes.length) return 'truncated';
    if (tags.length === TAGS_MAX) return 'tooManyTags';
    tags.push(tagOf(type, u16(bytes, at + 2)));
    at += 4;
  }
}

/** Writes a frame as short as it is: the driver pads it to 60 octets. */
export function encodeFrame(frame: EthernetFrame): Uint8Array {
  const { tags, payload } = frame;
  const typeAt = ADDRESSES + 4 * tags.length;
  const bytes = new Uint8Array(typeAt + 2 + payload.length);
  bytes.set(frame.destination, 0);
  bytes.set(frame.source, 6);
  tags.forEach((tag, i) => {
    setU16(bytes, ADDRESSES + 4 * i, tag.protocol);
    setU16(bytes, ADDRESSES + 4 * i + 2, controlOf(tag));
  });
  setU16(bytes, typeAt, frame.type);
  bytes.set(payload, typeAt + 2);
  return bytes;
}

/** Reads the tag control information as the kernel hands it over apart from the frame (PACKET_AUXDATA). */
export function tagOf(protocol: VlanTag['protocol'], control: number): VlanTag {
  return {
    protocol,
    priority: control >>> 13,
    dropEligible: (control & 0x1000) !== 0,
    vlan: control & 0x0fff,
  };
}

function controlOf({ priority, dropEligible, vlan }: VlanTag): number {
  return (priority << 13) | (dropEligible ? 0x1000 : 0) | vlan;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
