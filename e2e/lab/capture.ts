// What was on a cable, octet for octet: tcpdump writes it down, this reads it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatHardwareAddress } from '../../codec/hardware.ts';
import { formatIpv4 } from '../../codec/ipv4.ts';
import { Datagram, parseDatagram } from '../../codec/link/datagram.ts';
import { decodeFrame, ETHERTYPE } from '../../codec/link/ethernet.ts';
import { decodeMessage, type Message, messageTypeOf } from '../../codec/v4/message.ts';
import { eventually, type Node, type Process } from './lab.ts';

/** Everything that DHCP sends. */
export const DHCP = 'udp port 67 or udp port 68';

/** A DHCP message and the packet that carried it. */
export interface Seen {
  /** Hardware addresses, `02:00:00:00:00:0a`. */
  readonly from: string;
  readonly to: string;
  /** Addresses and ports, `192.0.2.1:67`. */
  readonly source: string;
  readonly destination: string;
  readonly checksum: 'right' | 'wrong';
  readonly payload: Uint8Array;
  readonly message: Message;
  /** DHCPDISCOVER is 1; 0 is BOOTP. */
  readonly type: number;
}

let files = 0;

/** tcpdump at work on an interface. */
export class Capture {
  private readonly node: Node;
  private readonly process: Process;
  private readonly file: string;

  private constructor(node: Node, process: Process, file: string) {
    this.node = node;
    this.process = process;
    this.file = file;
  }

  /** Starts it; when the promise resolves, it listens. */
  static async start(node: Node, ifname: string, filter = DHCP): Promise<Capture> {
    const file = join(node.lab.folder, `${node.name}-${ifname}-${files++}.pcap`);
    const how = ['-U', '--immediate-mode', '-Z', 'root', '-s', '0', '-w', file];
    const process = node.start('tcpdump', ['-i', ifname, ...how, filter]);
    await process.line(/listening on/);
    return new Capture(node, process, file);
  }

  /** The DHCP messages so far; what is none is left out. */
  seen(): readonly Seen[] {
    return readPackets(this.file)
      .map(seenIn)
      .filter((one) => one !== null);
  }

  /** The packets as tcpdump itself tells them, in all detail. */
  text(): string {
    return this.node.run('tcpdump', '-nn', '-e', '-vvv', '-r', this.file);
  }

  /** Waits until `test` finds in what was seen what it looks for. */
  until<T>(
    what: string,
    test: (seen: readonly Seen[]) => T | null | false | undefined,
    seconds = 15,
  ): Promise<T> {
    return eventually(what, () => test(this.seen()) ?? null, seconds);
  }

  /** Waits for a message of this type (1 DISCOVER, … 8 INFORM), and gives the first. */
  first(type: number, seconds = 15): Promise<Seen> {
    const find = (seen: readonly Seen[]): Seen | undefined => seen.find((one) => one.type === type);
    return this.until(`a message of type ${type}`, find, seconds);
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;

/** The frames of a pcap file (little endian, Ethernet); the last may be half written. */
function readPackets(file: string): Buffer[] {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const frames: Buffer[] = [];
  for (let at = FILE_HEADER; at + RECORD_HEADER <= bytes.length; ) {
    const end = at + RECORD_HEADER + bytes.readUInt32LE(at + 8);
    if (end > bytes.length) break;
    frames.push(bytes.subarray(at + RECORD_HEADER, end));
    at = end;
  }
  return frames;
}

function seenIn(bytes: Buffer): Seen | null {
  const frame = decodeFrame(bytes);
  if (typeof frame === 'string' || frame.type !== ETHERTYPE.IPV4) return null;
  const { payload } = frame;
  const datagram = new Datagram();
  const fault = parseDatagram(datagram, payload, 0, payload.length, false);
  // The sender's kernel may have left the sum to the hardware, which a cable of software has not.
  if (fault !== null && fault !== 'badUdpChecksum') return null;
  if (parseDatagram(datagram, payload, 0, payload.length, true) !== null) return null;
  const message = decodeMessage(payload.subarray(datagram.payloadAt, datagram.end));
  if (typeof message === 'string') return null;
  return {
    from: formatHardwareAddress(frame.source),
    to: formatHardwareAddress(frame.destination),
    source: `${formatIpv4(datagram.source)}:${datagram.sourcePort}`,
    destination: `${formatIpv4(datagram.destination)}:${datagram.destinationPort}`,
    checksum: fault === null ? 'right' : 'wrong',
    payload: payload.slice(datagram.payloadAt, datagram.end),
    message,
    type: messageTypeOf(message),
  };
}
