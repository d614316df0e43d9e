import { messageOf, type Say } from '../../agent/core/server/testbed.ts';
import { formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import { CHADDR, OPTIONS } from '../../codec/v4/header.ts';
import type { Chance } from './chance.ts';
import { SEGMENTS, type Segment } from './plant.ts';

/** The first octets of hardware addresses that no honest device has. */
const FORGED = '0e:66';

/** Somebody who means ill; what it sends names itself in `chaddr`, as without that DHCP has no defence (RFC 2131 §7). */
export class Hostile {
  private readonly chance: Chance;

  constructor(chance: Chance) {
    this.chance = chance;
  }

  /** What it sends next onto a link. */
  attack(segment: Segment): readonly Uint8Array[] {
    const { chance } = this;
    const target = this.target(segment);
    switch (chance.below(8)) {
      case 0:
        return [this.noise()];
      case 1:
        return Array.from({ length: 30 }, () => messageOf({ mac: this.mac() }));
      case 2:
        return [this.message({ type: 'REQUEST', requested: target })];
      case 3:
        return [
          this.message({ type: 'REQUEST', requested: target, server: formatIpv4(segment.gateway) }),
        ];
      case 4:
        return [this.message({ type: 'RELEASE', ciaddr: target })];
      case 5:
        return [this.message({ type: 'DECLINE', requested: target })];
      case 6:
        return [
          this.reply(this.message({ type: 'DISCOVER', giaddr: formatIpv4(segment.gateway) })),
        ];
      default:
        return [this.mutant(segment, target)];
    }
  }

  private message(say: Say): Uint8Array {
    return messageOf({ ...say, mac: this.mac() });
  }

  private mac(): string {
    const octet = (): string => this.chance.below(256).toString(16).padStart(2, '0');
    return `${FORGED}:${octet()}:${octet()}:${octet()}:${octet()}`;
  }

  private target(segment: Segment): string {
    return formatIpv4(this.chance.between(segment.first - 2, segment.last + 2) as Ipv4);
  }

  private noise(): Uint8Array {
    return Uint8Array.from({ length: this.chance.below(700) }, () => this.chance.below(256));
  }

  /** Poses as a server's answer, which no relay may carry. */
  private reply(message: Uint8Array): Uint8Array {
    message[0] = 2;
    return message;
  }

  private mutant(segment: Segment, target: string): Uint8Array {
    const { chance } = this;
    const other = chance.pick(SEGMENTS);
    const message = this.message({
      type: chance.pick(['DISCOVER', 'REQUEST', 'INFORM', 'LEASEQUERY', 'BOOTP'] as const),
      requested: target,
      ...(chance.happens(0.3) ? { ciaddr: target } : {}),
      ...(chance.happens(0.3) ? { giaddr: formatIpv4(other.gateway) } : {}),
      ...(chance.happens(0.3) ? { relay: this.noise().subarray(0, 60) } : {}),
      options: { 93: this.noise().subarray(0, 4), 118: Uint8Array.of(segment.index, 0, 2, 0) },
    });
    for (let count = chance.below(12); count > 0; count--) {
      const at = chance.below(message.length);
      // Its own address stays: everything else may be anything.
      if (at < CHADDR || at >= OPTIONS) message[at] = chance.below(256);
    }
    return message.subarray(0, chance.happens(0.1) ? chance.below(message.length) : message.length);
  }
}
