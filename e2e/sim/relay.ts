import { Outbox } from '../../agent/core/outbox.ts';
import { planRelay } from '../../agent/core/relay/plan.ts';
import { Relay } from '../../agent/core/relay/relay.ts';
import { configOf, linkAt } from '../../agent/core/relay/testing.ts';
import { ENTRY, PACKET_TYPE, SLOT } from '../../agent/core/ring.ts';
import { formatIpv4, type Ipv4, LIMITED_BROADCAST, readIpv4 } from '../../codec/ipv4.ts';
import { HEADERS_LENGTH, writeHeaders } from '../../codec/link/datagram.ts';
import type { Millis } from '../../codec/machine.ts';
import type { History } from './history.ts';
import { type Segment, UPSTREAM } from './plant.ts';

const SLOT_BYTES = 2048;
const CAPACITY = 8;
const CLIENTS = 1;
const SERVERS = 2;

/** A datagram that a relay sends. */
export interface Relayed {
  /** To the server, or onto the clients' link. */
  readonly up: boolean;
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly message: Uint8Array;
}

/** A relay between a segment and the server. */
export class RelayNode {
  private readonly ring = Buffer.alloc(SLOT_BYTES + 2 * CAPACITY * HEADERS_LENGTH);
  private readonly up = new Outbox(this.ring, SLOT_BYTES, CAPACITY);
  private readonly down = new Outbox(this.ring, SLOT_BYTES + CAPACITY * HEADERS_LENGTH, CAPACITY);
  private readonly meta = new Uint32Array(SLOT.WORDS);
  private readonly relay: Relay;
  private readonly segment: Segment;
  private readonly history: History;

  constructor(segment: Segment, history: History) {
    this.segment = segment;
    this.history = history;
    const config = configOf(
      {},
      { match: 'lan0', upstreams: [{ kind: 'address', address: UPSTREAM }] },
    );
    const links = [
      linkAt(CLIENTS, 'lan0', formatIpv4(segment.gateway)),
      linkAt(SERVERS, 'up0', `10.0.0.${10 + segment.index}`),
    ];
    this.relay = new Relay({
      plan: planRelay({
        config,
        links,
        resolved: () => [],
        node: `relay${segment.index}`,
        nodeDuid: Uint8Array.of(0, 4, segment.index),
      }),
      settings: config,
      up: this.up,
      down: this.down,
      hashSeed: 1,
      observer: {
        request: () => history.count('relay requests'),
        reply: () => history.count('relay replies'),
        informationOmitted: () => history.count('relay information omitted'),
      },
    });
  }

  /** A client, or somebody on its link, has broadcast something. */
  fromClient(now: Millis, source: Ipv4, message: Uint8Array): readonly Relayed[] {
    return this.receive(now, CLIENTS, source, LIMITED_BROADCAST, message);
  }

  /** Something for the relay itself has come. */
  fromServer(now: Millis, source: Ipv4, message: Uint8Array): readonly Relayed[] {
    return this.receive(now, SERVERS, source, this.segment.gateway, message);
  }

  private receive(
    now: Millis,
    ifindex: number,
    source: Ipv4,
    destination: Ipv4,
    message: Uint8Array,
  ): readonly Relayed[] {
    const { ring, meta, up, down } = this;
    const end = HEADERS_LENGTH + message.length;
    ring.set(message, HEADERS_LENGTH);
    const port = ifindex === CLIENTS ? 68 : 67;
    writeHeaders(ring, 0, source, port, destination, 67, HEADERS_LENGTH, end);
    meta.fill(0);
    meta[SLOT.LENGTH] = end;
    meta[SLOT.ORIGINAL_LENGTH] = end;
    meta[SLOT.IFINDEX] = ifindex;
    meta[SLOT.PACKET_TYPE] = PACKET_TYPE.BROADCAST;
    up.clear();
    down.clear();
    const drop = this.relay.receive(now, ring, meta, 0, SLOT_BYTES);
    if (drop !== null) this.history.count(`relay dropped ${drop}`);
    return [...this.sent(up, true), ...this.sent(down, false)];
  }

  private sent(outbox: Outbox, isUp: boolean): Relayed[] {
    const { ring } = this;
    return Array.from({ length: outbox.count }, (_, i) => {
      const entry = outbox.entries.subarray(i * ENTRY.WORDS, (i + 1) * ENTRY.WORDS);
      const head = entry[ENTRY.HEAD_AT]!;
      const at = entry[ENTRY.BODY_AT]!;
      return {
        up: isUp,
        source: readIpv4(ring, head + 12),
        destination: readIpv4(ring, head + 16),
        message: Uint8Array.from(ring.subarray(at, at + entry[ENTRY.BODY_LENGTH]!)),
      };
    });
  }
}
