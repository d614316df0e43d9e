import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Ipv4, parseIpv4, UNSPECIFIED } from '../ipv4.ts';
import {
  ARP_LENGTH,
  type Arp,
  arpAnnouncement,
  arpProbe,
  arpRequest,
  deniesProbe,
  writeArp,
} from './arp.ts';
import {
  arpProgram,
  assemble,
  type BpfInstruction,
  COOKED,
  dhcpFilter,
  echoReplyProgram,
  type PacketLayout,
  udpPortProgram,
} from './bpf.ts';
import { Datagram, parseDatagram } from './datagram.ts';
import { ETHERNET_BROADCAST, ETHERTYPE, encodeFrame } from './ethernet.ts';
import { encodeIcmp } from './icmp.ts';
import { encodeIp, IP_PROTOCOL, type IpPacket } from './ip.ts';
import { encodeUdp } from './udp.ts';

const ip = (text: string): Ipv4 => parseIpv4(text) ?? assert.fail(text);
const [SOURCE, DESTINATION] = [ip('192.0.2.1'), ip('192.0.2.2')];
const OURS = Uint8Array.of(2, 0, 0, 0, 0, 1);
const THEIRS = Uint8Array.of(2, 0, 0, 0, 0, 2);
const FRAMES: PacketLayout = { headerAt: 14 };
const [PACKET_HOST, PACKET_OUTGOING] = [0, 4];

/** Octets that a load takes, and whether it counts from the index register. */
const LOADS: Readonly<Record<number, { readonly size: number; readonly indexed: boolean }>> = {
  32: { size: 4, indexed: false },
  40: { size: 2, indexed: false },
  48: { size: 1, indexed: false },
  72: { size: 2, indexed: true },
  80: { size: 1, indexed: true },
};
const PACKET_TYPE_AT = 0xfffff004;

/** The machine of "The BSD Packet Filter" (McCanne, Jacobson 1993), as far as our programs use it. */
class Interpreter {
  private a = 0;
  private x = 0;
  private at = 0;
  private verdict: boolean | null = null;
  private readonly packet: Uint8Array;
  private readonly packetType: number;

  constructor(packet: Uint8Array, packetType: number) {
    this.packet = packet;
    this.packetType = packetType;
  }

  run(program: readonly BpfInstruction[]): boolean {
    for (let steps = 0; steps < 64; steps++) {
      this.step(program[this.at++] ?? assert.fail('ran off the end of the program'));
      if (this.verdict !== null) return this.verdict;
    }
    return assert.fail('the program does not end');
  }

  private step({ code, jt, jf, k }: BpfInstruction): void {
    const load = LOADS[code];
    if (load !== undefined) this.a = this.octets(load.indexed ? this.x + k : k, load.size);
    else if (code === 0xb1) this.x = (this.octets(k, 1) & 15) * 4;
    else if (code === 0x15) this.at += this.a === k ? jt : jf;
    else if (code === 0x45) this.at += (this.a & k) !== 0 ? jt : jf;
    else if (code === 0x06) this.verdict = k > 0;
    else assert.fail(`unknown instruction ${code}`);
  }

  private octets(from: number, count: number): number {
    if (from === PACKET_TYPE_AT) return this.packetType;
    if (from + count <= this.packet.length)
      return this.packet
        .subarray(from, from + count)
        .reduce((value, octet) => value * 256 + octet, 0);
    // A load beyond the packet ends the program, with nothing taken.
    this.verdict = false;
    return 0;
  }
}

/** What the kernel would do with a packet. */
function accepts(
  program: readonly BpfInstruction[],
  packet: Uint8Array,
  packetType = PACKET_HOST,
): boolean {
  return new Interpreter(packet, packetType).run(program);
}

function packetOf(change: Partial<IpPacket> = {}, destinationPort = 67): Uint8Array {
  const payload = encodeUdp({
    source: SOURCE,
    sourcePort: 68,
    destination: DESTINATION,
    destinationPort,
    payload: Buffer.from('message'),
  });
  return encodeIp({
    tos: 0,
    identification: 0,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: IP_PROTOCOL.UDP,
    source: SOURCE,
    destination: DESTINATION,
    options: new Uint8Array(),
    payload,
    ...change,
  });
}

function frameOf(payload: Uint8Array, type: number = ETHERTYPE.IPV4): Uint8Array {
  return encodeFrame({ destination: ETHERNET_BROADCAST, source: OURS, tags: [], type, payload });
}

const OPTIONS = Uint8Array.of(0x94, 4, 0, 0, 1, 1, 1, 0);
const UDP_ROWS = [
  ['UDP to port 67', packetOf(), true],
  ['UDP to the second port', packetOf({}, 68), true],
  ['UDP to the last port', packetOf({}, 1067), true],
  ['UDP to another port', packetOf({}, 53), false],
  ['behind IP options the port is found (RFC 791 §3.1)', packetOf({ options: OPTIONS }), true],
  ['behind IP options another port is found', packetOf({ options: OPTIONS }, 69), false],
  ['TCP to port 67', packetOf({ protocol: 6 }), false],
  ['the first fragment, so that it can be counted', packetOf({ moreFragments: true }), true],
  ['a later fragment, which has no port', packetOf({ fragmentOffset: 1480 }), false],
  ['a datagram that must not be fragmented', packetOf({ dontFragment: true }), true],
  ['a packet that ends before its port', packetOf().subarray(0, 23), false],
  ['a packet that ends within its IP header', packetOf().subarray(0, 9), false],
  ['nothing', new Uint8Array(), false],
] as const;

describe('udpPortProgram', () => {
  const ports = [67, 68, 1067];
  for (const [rule, packet, want] of UDP_ROWS) {
    test(`${rule}: ${want ? 'taken' : 'left'}`, () => {
      assert.equal(accepts(udpPortProgram(ports, COOKED), packet), want, 'cooked');
      assert.equal(accepts(udpPortProgram(ports, FRAMES), frameOf(packet)), want, 'with its frame');
    });
  }

  test('a frame of another type is left, whatever it holds', () => {
    assert.equal(accepts(udpPortProgram(ports, FRAMES), frameOf(packetOf(), ETHERTYPE.ARP)), false);
  });

  test('what this host sends itself is left if so wanted', () => {
    for (const layout of [COOKED, FRAMES]) {
      const packet = layout.headerAt === 0 ? packetOf() : frameOf(packetOf());
      const wary = udpPortProgram(ports, { ...layout, notOutgoing: true });
      assert.equal(accepts(wary, packet, PACKET_HOST), true);
      assert.equal(accepts(wary, packet, PACKET_OUTGOING), false);
      assert.equal(accepts(udpPortProgram(ports, layout), packet, PACKET_OUTGOING), true);
    }
  });

  test('no ports, no packets', () => {
    assert.equal(accepts(udpPortProgram([], COOKED), packetOf()), false);
  });

  test('property: it takes every datagram to its ports and nothing that is not UDP', () => {
    const port = fc.constantFrom(67, 68, 53);
    const change = fc.record({
      options: fc.nat(10).map((words) => new Uint8Array(4 * words).fill(1)),
      protocol: fc.constantFrom(1, 6, 17, 17, 17),
      moreFragments: fc.boolean(),
      fragmentOffset: fc.constantFrom(0, 0, 0, 8),
    });
    const spoil = fc.option(fc.tuple(fc.nat(40), fc.nat(255)));
    const program = udpPortProgram([67, 68], COOKED);
    fc.assert(
      fc.property(change, port, spoil, fc.nat(30), (fields, to, spoilt, cut) => {
        const whole = packetOf(fields, to);
        if (spoilt !== null && spoilt[0] < whole.length) whole[spoilt[0]] = spoilt[1];
        const packet = whole.subarray(0, whole.length - (cut > 20 ? cut : 0));
        const datagram = new Datagram();
        const drop = parseDatagram(datagram, packet, 0, packet.length, false);
        const taken = accepts(program, packet);
        if (drop === null) assert.equal(taken, [67, 68].includes(datagram.destinationPort));
        if (taken) assert.notEqual(drop, 'notUdp');
      }),
      { numRuns: 2000 },
    );
  });
});

test('echoReplyProgram takes echo replies alone, also behind IP options', () => {
  const echo = { identifier: 1, sequence: 1, data: new Uint8Array() };
  const reply = encodeIcmp({ ...echo, type: 0 });
  const rows = [
    [packetOf({ protocol: IP_PROTOCOL.ICMP, payload: reply }), true],
    [packetOf({ protocol: IP_PROTOCOL.ICMP, payload: reply, options: OPTIONS }), true],
    [packetOf({ protocol: IP_PROTOCOL.ICMP, payload: encodeIcmp({ ...echo, type: 8 }) }), false],
    [packetOf({ protocol: IP_PROTOCOL.UDP, payload: reply }), false],
    [packetOf({ protocol: IP_PROTOCOL.ICMP, payload: new Uint8Array() }), false],
  ] as const;
  for (const [packet, want] of rows) {
    assert.equal(accepts(echoReplyProgram(COOKED), packet), want);
    assert.equal(accepts(echoReplyProgram(FRAMES), frameOf(packet)), want);
  }
});

describe('arpProgram', () => {
  const [wanted, other] = [ip('192.0.2.9'), ip('203.0.113.9')];
  const program = arpProgram(wanted, COOKED);
  const bytesOf = (arp: Arp): Uint8Array => {
    const bytes = new Uint8Array(ARP_LENGTH);
    writeArp(bytes, 0, arp);
    return bytes;
  };

  for (const [rule, arp, want] of [
    ['its holder speaks', arpAnnouncement(THEIRS, wanted), true],
    ['another host probes for it', arpProbe(THEIRS, wanted), true],
    ['another address is spoken of', arpRequest(THEIRS, other, SOURCE), false],
    ['another address is probed for', arpProbe(THEIRS, other), false],
  ] as const) {
    test(`${rule}: ${want ? 'taken' : 'left'}`, () => {
      assert.equal(accepts(program, bytesOf(arp)), want);
      const framed = arpProgram(wanted, FRAMES);
      assert.equal(accepts(framed, frameOf(bytesOf(arp), ETHERTYPE.ARP)), want);
      assert.equal(accepts(framed, frameOf(bytesOf(arp), ETHERTYPE.IPV4)), false);
    });
  }

  test('property: RFC 5227 §2.1.1 it lets all through that denies the address', () => {
    const address = fc.constantFrom(wanted, other, UNSPECIFIED, SOURCE);
    const arps = fc.record({
      operation: fc.constantFrom(1, 2, 3),
      senderHardware: fc.constantFrom(OURS, THEIRS),
      sender: address,
      targetHardware: fc.constant(OURS),
      target: address,
    });
    fc.assert(
      fc.property(arps, (arp) => {
        if (deniesProbe(arp, OURS, wanted)) assert.ok(accepts(program, bytesOf(arp)));
      }),
    );
  });
});

describe('assemble', () => {
  test('is an array of struct sock_filter: u16 code, u8 jt, u8 jf, u32 k, in the byte order of this machine', () => {
    const bytes = assemble([{ code: 0x15, jt: 1, jf: 2, k: 0xfffff004 }]);
    const view = new DataView(bytes.buffer);
    const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
    assert.deepEqual(
      [view.getUint16(0, little), view.getUint8(2), view.getUint8(3), view.getUint32(4, little)],
      [0x15, 1, 2, 0xfffff004],
    );
  });

  test('dhcpFilter is the program of a cooked socket', () => {
    assert.deepEqual(dhcpFilter([67]), assemble(udpPortProgram([67], COOKED)));
  });

  test('every jump of every program ends within it', () => {
    const ports = Array.from({ length: 16 }, (_, i) => i + 67);
    const wary = { ...FRAMES, notOutgoing: true };
    for (const program of [
      udpPortProgram(ports, COOKED),
      udpPortProgram(ports, wary),
      echoReplyProgram(wary),
      arpProgram(SOURCE, wary),
    ]) {
      program.slice(0, -2).forEach(({ jt, jf }, i) => {
        assert.ok(i + 1 + Math.max(jt, jf) < program.length && Math.min(jt, jf) >= 0);
      });
    }
  });
});
