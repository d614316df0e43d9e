/** One classic BPF instruction: `struct sock_filter` of linux/filter.h. */
export interface BpfInstruction {
  readonly code: number;
  /** Instructions to skip when the test is true, or false. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

// linux/bpf_common.h, the few of them that are used here.
const LD_BYTE = 0x30;
const LD_HALF = 0x28;
const LD_HALF_INDEXED = 0x48;
const LDX_HEADER_LENGTH = 0xb1;
const JUMP_EQUAL = 0x15;
const JUMP_BITS = 0x45;
const RETURN = 0x06;

/** As many octets of a packet as there are. */
const WHOLE = 0x40000;
const PROTOCOL_UDP = 17;
const FRAGMENT_OFFSET = 0x1fff;

/**
 * Lets UDP over IPv4 to these ports through, and of a fragmented datagram only the first part, for sockets whose
 * packets start with the IP header at `ipAt`: 0 when cooked, 14 with an Ethernet header.
 */
export function udpPortProgram(ports: readonly number[], ipAt: number): readonly BpfInstruction[] {
  const tests = 6;
  const reject = tests + ports.length;
  const accept = reject + 1;
  // A jump counts from the instruction behind it.
  const from = (here: number, to: number): number => to - here - 1;
  return [
    plain(LD_BYTE, ipAt + 9),
    { code: JUMP_EQUAL, k: PROTOCOL_UDP, jt: 0, jf: from(1, reject) },
    plain(LD_HALF, ipAt + 6),
    { code: JUMP_BITS, k: FRAGMENT_OFFSET, jt: from(3, reject), jf: 0 },
    plain(LDX_HEADER_LENGTH, ipAt),
    plain(LD_HALF_INDEXED, ipAt + 2),
    ...ports.map((k, i) => ({ code: JUMP_EQUAL, k, jt: from(tests + i, accept), jf: 0 })),
    plain(RETURN, 0),
    plain(RETURN, WHOLE),
  ];
}

/** The filter of a cooked socket for DHCP: UDP to these ports. */
export function dhcpFilter(ports: readonly number[]): Uint8Array {
  return assemble(udpPortProgram(ports, 0));
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

function plain(code: number, k: number): BpfInstruction {
  return { code, k, jt: 0, jf: 0 };
}
