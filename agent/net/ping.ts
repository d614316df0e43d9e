import raw, { type Socket } from 'raw-socket';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import {
  decodeEcho,
  encodeEcho,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
} from '../../codec/link/icmp.ts';

/** What a pinger is made of. */
export interface PingerOptions {
  /** Tells our echoes from those of others on this host; 16 bits. */
  readonly identifier: number;
  /** An address has answered. */
  readonly onReply: (address: Ipv4) => void;
  /** A request could not be sent, or nothing can be received any more. Unreachable networks are no errors here. */
  readonly onError: (error: Error) => void;
}

/** Sends ICMP echo requests and hears the replies. The socket is opened with the first one; it needs CAP_NET_RAW. */
export class Pinger {
  private readonly options: PingerOptions;
  private socket: Socket | null = null;
  private sequence = 0;

  constructor(options: PingerOptions) {
    this.options = options;
  }

  ping(address: Ipv4): void {
    this.sequence = (this.sequence + 1) & 0xffff;
    const { identifier, onError } = this.options;
    const echo = { type: ICMP_ECHO_REQUEST, identifier, sequence: this.sequence };
    const bytes = Buffer.from(encodeEcho(echo));
    try {
      this.open().send(bytes, 0, bytes.length, formatIpv4(address), (error) => {
        // Nobody can be there where no route leads.
        if (error !== null && !/unreachable/i.test(error.message)) onError(error);
      });
    } catch (error) {
      onError(error as Error);
    }
  }

  close(): void {
    this.socket?.close();
    this.socket = null;
  }

  private open(): Socket {
    if (this.socket !== null) return this.socket;
    const socket = raw.createSocket({ protocol: raw.Protocol.ICMP });
    socket.on('message', (packet, source) => this.received(packet, source));
    socket.on('error', (error) => {
      // The package closes it then; the next request opens another.
      this.socket = null;
      this.options.onError(error);
    });
    this.socket = socket;
    return socket;
  }

  private received(packet: Buffer, source: string): void {
    const echo = decodeEcho(packet);
    const address = parseIpv4(source);
    if (echo?.type !== ICMP_ECHO_REPLY || address === null) return;
    if (echo.identifier === this.options.identifier) this.options.onReply(address);
  }
}
