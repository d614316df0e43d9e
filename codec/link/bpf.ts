import type { Ipv4 } from '../ipv4.ts';
import { ETHERTYPE } from './ethernet.ts';
import { IP_PROTOCOL } from './ip.ts';

/** One classic BPF instruction: `struct sock_filter` of linux/filter.h. */
export interface BpfInstruction {
  readonly code: number;
  /** Instructions to skip when the test is true, or false. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Where in a socket's packets the network header begins, and what more to ask of them. */
export interface PacketLayout {
  /** 0 for cooked sockets, whose kernel has looked at the EtherType; 14 for whole Ethernet frames without a tag. */
  readonly headerAt: 0 | 14;
  /** Whether to refuse what this host sends itself, which packet sockets for all protocols see too. */
  readonly notOutgoing?: boolean;
}

/** Packets that begin with their network header, as `SOCK_DGRAM` packet sockets give them. */
export const COOKED: PacketLayout = { headerAt: 0 };

// linux/bpf_common.h, the few of them that are used here.
const LD_WORD = 0x20;
const LD_HALF = 0x28;
const LD_BYTE = 0x30;
const LD_HALF_INDEXED = 0x48;
const LD_BYTE_INDEXED = 0x50;
const LDX_HEADER_LENGTH = 0xb1;
const JUMP_EQUAL = 0x15;
const JUMP_BITS = 0x45;
const RETURN = 0x06;

/** As many octets of a packet as there are. */
const WHOLE = 0x40000;
/** SKF_AD_OFF + SKF_AD_PKTTYPE: what the kernel knows of a packet besides its octets. */
const PACKET_TYPE_AT = 0xfffff004;
const PACKET_OUTGOING = 4;
const FRAGMENT_OFFSET = 0x1fff;
const ICMP_ECHO_REPLY = 0;

/** The filter of a cooked socket for DHCP: UDP to these ports. */
export function dhcpFilter(ports: readonly number[]): Uint8Array {
  return assemble(udpPortProgram(ports, COOKED));
}

/** Lets UDP over IPv4 to these ports through, and of a fragmented datagram only the first part. */
export function udpPortProgram(
  ports: readonly number[],
  layout: PacketLayout,
): readonly BpfInstruction[] {
  return linked([
    ...transport(layout, IP_PROTOCOL.UDP),
    load(LD_HALF_INDEXED, layout.headerAt + 2),
    ...ports.slice(0, -1).map((port) => test(port, 'accept', 'next')),
    ...ports.slice(-1).map((port) => test(port, 'accept', 'reject')),
  ]);
}

/** Lets ICMP echo replies through, the answers to a probe for an address in use. */
export function echoReplyProgram(layout: PacketLayout): readonly BpfInstruction[] {
  return linked([
    ...transport(layout, IP_PROTOCOL.ICMP),
    load(LD_BYTE_INDEXED, layout.headerAt),
    test(ICMP_ECHO_REPLY, 'accept', 'reject'),
  ]);
}

/** Lets ARP through whose sender has `address`, or which asks for it: all that RFC 5227 §2.1.1 wants a prober to see. */
export function arpProgram(address: Ipv4, layout: PacketLayout): readonly BpfInstruction[] {
  const { headerAt } = layout;
  return linked([
    ...typed(layout, ETHERTYPE.ARP),
    load(LD_WORD, headerAt + 14),
    test(address, 'accept', 'next'),
    load(LD_WORD, headerAt + 24),
    test(address, 'accept', 'reject'),
  ]);
}

/** The program as the kernel takes it: an array of `struct sock_filter` in the byte order of the machine. */
export function assemble(program: readonly BpfInstruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, jt, jf, k }, i) => {
    view.setUint16(i * 8, code, LITTLE_ENDIAN);
    view.setUint8(i * 8 + 2, jt);
    view.setUint8(i * 8 + 3, jf);
    view.setUint32(i * 8 + 4, k, LITTLE_ENDIAN);
  });
  return bytes;
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

type Verdict = 'next' | 'accept' | 'reject';

/** An instruction whose jumps say what they mean. */
interface Step {
  readonly code: number;
  readonly k: number;
  readonly yes: Verdict;
  readonly no: Verdict;
}

function load(code: number, k: number): Step {
  return { code, k, yes: 'next', no: 'next' };
}

function test(k: number, yes: Verdict, no: Verdict): Step {
  return { code: JUMP_EQUAL, k, yes, no };
}

/** Up to where the packet is known to be of this EtherType. */
function typed({ headerAt, notOutgoing }: PacketLayout, type: number): readonly Step[] {
  const outgoing = [load(LD_BYTE, PACKET_TYPE_AT), test(PACKET_OUTGOING, 'reject', 'next')];
  const etherType = [load(LD_HALF, headerAt - 2), test(type, 'next', 'reject')];
  return [...(notOutgoing ? outgoing : []), ...(headerAt > 0 ? etherType : [])];
}

/** Up to where the protocol is known, and X holds the length of the IP header with its options. */
function transport(layout: PacketLayout, protocol: number): readonly Step[] {
  const { headerAt } = layout;
  return [
    ...typed(layout, ETHERTYPE.IPV4),
    load(LD_BYTE, headerAt + 9),
    test(protocol, 'next', 'reject'),
    load(LD_HALF, headerAt + 6),
    { code: JUMP_BITS, k: FRAGMENT_OFFSET, yes: 'reject', no: 'next' },
    load(LDX_HEADER_LENGTH, headerAt),
  ];
}

/** Puts the two returns behind the steps and counts the jumps to them; a program that ends without a verdict rejects. */
function linked(steps: readonly Step[]): readonly BpfInstruction[] {
  const distance = (from: number, to: Verdict): number => {
    if (to === 'next') return 0;
    return steps.length - from - (to === 'reject' ? 1 : 0);
  };
  return [
    ...steps.map(({ code, k, yes, no }, i) => ({
      code,
      k,
      jt: distance(i, yes),
      jf: distance(i, no),
    })),
    { code: RETURN, jt: 0, jf: 0, k: 0 },
    { code: RETURN, jt: 0, jf: 0, k: WHOLE },
  ];
}
