import type { Ipv4 } from '../../codec/ipv4.ts';
import {
  ARP_LENGTH,
  ARP_REPLY,
  arpProbe,
  decodeArp,
  ETHERTYPE_ARP,
  writeArp,
} from '../../codec/link/arp.ts';
import { assemble } from '../../codec/link/bpf.ts';
import { ENTRY, PacketSocket, SLOT } from './packet.ts';

/** What a prober is made of. */
export interface ArpProberOptions {
  /** Path of another network namespace (needs CAP_SYS_ADMIN); absent: our own. */
  readonly netns?: string;
  /** Somebody has said, on that interface, that it has the address. */
  readonly onReply: (ifindex: number, address: Ipv4, hardwareAddress: Uint8Array) => void;
}

const LD_HALF = 0x28;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;
const OPERATION_AT = 6;
const WHOLE = 0x40000;

/** Replies only: every host of a network broadcasts requests. */
const REPLIES = assemble([
  { code: LD_HALF, k: OPERATION_AT, jt: 0, jf: 0 },
  { code: JUMP_EQUAL, k: ARP_REPLY, jt: 0, jf: 1 },
  { code: RETURN, k: WHOLE, jt: 0, jf: 0 },
  { code: RETURN, k: 0, jt: 0, jf: 0 },
]);

// What is lost costs a probe.
const SLOTS = 512;
const SLOT_BYTES = 128;

/** Sends ARP probes on any interface and hears the replies (RFC 5227 §2.1.1). */
export class ArpProber {
  private readonly socket: PacketSocket;
  private readonly entry = new Uint32Array(ENTRY.WORDS);

  /** Throws SystemError without CAP_NET_RAW. */
  constructor({ netns, onReply }: ArpProberOptions) {
    this.socket = PacketSocket.open({
      ...(netns === undefined ? {} : { netns }),
      protocol: ETHERTYPE_ARP,
      cooked: true,
      filter: REPLIES,
      slots: SLOTS,
      slotBytes: SLOT_BYTES,
      headroom: 0,
      scratchBytes: ARP_LENGTH,
      onBatch: (count) => this.received(count, onReply),
    });
  }

  /** Asks for an address on an interface of which this is the hardware address; 0, or the errno that kept it from going out. */
  probe(ifindex: number, hardwareAddress: Uint8Array, address: Ipv4): number {
    const { socket, entry } = this;
    writeArp(socket.ring, socket.scratchAt, arpProbe(hardwareAddress, address));
    entry.fill(0);
    entry[ENTRY.HEAD_AT] = socket.scratchAt;
    entry[ENTRY.HEAD_LENGTH] = ARP_LENGTH;
    entry[ENTRY.IFINDEX] = ifindex;
    entry[ENTRY.PROTOCOL] = ETHERTYPE_ARP;
    entry[ENTRY.HARDWARE_LENGTH] = 6;
    entry[ENTRY.HARDWARE_HIGH] = 0xffffffff;
    entry[ENTRY.HARDWARE_LOW] = 0xffff0000;
    socket.send(entry, 1);
    return entry[ENTRY.ERROR]!;
  }

  close(): void {
    this.socket.close();
  }

  private received(count: number, onReply: ArpProberOptions['onReply']): void {
    const { ring, slotMeta } = this.socket;
    for (let word = 0; word < count * SLOT.WORDS; word += SLOT.WORDS) {
      const start = slotMeta[word + SLOT.START]!;
      const arp = decodeArp(ring, start, start + slotMeta[word + SLOT.LENGTH]!);
      if (arp !== null) onReply(slotMeta[word + SLOT.IFINDEX]!, arp.sender, arp.senderHardware);
    }
  }
}
