import type { Lease } from '../../agent/core/lease.ts';
import { formatHardwareAddress } from '../../codec/hardware.ts';
import { formatIpv4, type Ipv4, UNSPECIFIED } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import * as H from '../../codec/v4/header.ts';
import { decodeMessage, type Message, messageTypeOf, optionOf } from '../../codec/v4/message.ts';
import { OPTION } from '../../codec/v4/options.ts';
import type { Agenda } from './agenda.ts';
import type { Client, Held } from './client.ts';
import type { Disk } from './disk.ts';
import { type History, Violation } from './history.ts';
import type { ServerNode } from './server.ts';

/** An ACK leaves when its batch is durable, which takes so long at most; the lease was counted from before. */
const HELD_BACK_MOST: Millis = 10_000;
const ROUNDING: Millis = 1_000;

/** Knows what clients were told, and holds the server to it. */
export class Witness {
  private readonly holders = new Map<Ipv4, { readonly client: Client; readonly held: Held }>();
  private readonly agenda: Agenda;
  private readonly disk: Disk;
  private readonly history: History;

  constructor(agenda: Agenda, disk: Disk, history: History) {
    this.agenda = agenda;
    this.disk = disk;
    this.history = history;
  }

  /** RFC 2131 §2.2: no address is given to two at a time. A clone cannot be told from its twin before both are seen. */
  took(client: Client, held: Held): void {
    const { now } = this.agenda;
    const other = this.holders.get(held.address);
    if (other !== undefined && other.client !== client && other.held.until > now) {
      const twins = other.client.device.identity === client.device.identity;
      if (!twins) {
        const address = formatIpv4(held.address);
        throw new Violation(
          `${client.device.name} and ${other.client.device.name} both hold ${address}`,
        );
      }
    }
    for (const [address, one] of this.holders)
      if (one.client === client) this.holders.delete(address);
    this.holders.set(held.address, { client, held });
    this.history.count('leases taken');
  }

  left(client: Client): void {
    for (const [address, one] of this.holders)
      if (one.client === client) this.holders.delete(address);
  }

  /** No ACK leaves before the lease that it speaks of is on disk, for this client and for as long. */
  sends(server: ServerNode, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if (typeof message === 'string') return;
    if (messageTypeOf(message) === H.DHCPNAK) this.withdrawn(message);
    if (messageTypeOf(message) !== H.DHCPACK) return;
    if (message.yiaddr === UNSPECIFIED) return;
    this.history.count('acknowledged');
    const lease = this.disk.leaseOf(message.yiaddr);
    const address = formatIpv4(message.yiaddr);
    // Who asks for more and gives it back at once is still answered.
    const known = lease?.state === 'bound' || lease?.state === 'released';
    if (lease === null || !known || !isFor(lease, message))
      throw new Violation(`the ACK of ${address} leaves before its lease is durable`);
    const promised = server.now + secondsIn(message) * 1000;
    if (lease.state === 'bound' && lease.expires < promised - HELD_BACK_MOST)
      throw new Violation(`the ACK of ${address} promises more than is on disk`);
  }

  // An edit has taken the address from its client. The server says so once and holds it no longer, whether that arrives
  // or not; what it says of addresses that nobody asked it to take back changes nothing.
  private withdrawn(message: Message): void {
    const text = Buffer.from(optionOf(message, OPTION.message) ?? []).toString();
    for (const [address, { client }] of this.holders) {
      const { mac } = client.device;
      if (mac !== formatHardwareAddress(message.chaddr.subarray(0, 6))) continue;
      if (text === `${formatIpv4(address)} is not given any more`) {
        this.holders.delete(address);
        this.history.count('leases withdrawn');
      }
    }
  }

  /** What was acknowledged is there after a crash, for as long as its client was told. */
  restarted(server: ServerNode): void {
    const { now } = this.agenda;
    for (const [address, { client, held }] of this.holders) {
      if (held.until <= now || client.device.isClone) continue;
      const lease = server.leases?.get(address);
      const rest = held.until - now;
      const kept = lease?.state === 'bound' ? lease.expires - server.now : -1;
      if (kept >= rest - HELD_BACK_MOST - ROUNDING) continue;
      const what = lease === undefined ? 'gone' : `${lease.state} for ${Math.round(kept / 1000)} s`;
      throw new Violation(
        `${client.device.name} may use ${formatIpv4(address)} for ${Math.round(rest / 1000)} s more, and after the crash it is ${what}`,
      );
    }
  }

  /** How many clients hold an address of which the test says yes. */
  holding(test: (client: Client) => boolean): number {
    const { now } = this.agenda;
    return [...this.holders.values()].filter(({ client, held }) => held.until > now && test(client))
      .length;
  }
}

function isFor(lease: Lease, message: Message): boolean {
  return (
    formatHardwareAddress(lease.hardwareAddress) ===
    formatHardwareAddress(message.chaddr.subarray(0, 6))
  );
}

function secondsIn(message: Message): number {
  const data = optionOf(message, OPTION.leaseTime);
  return data === null ? 0 : new DataView(data.buffer, data.byteOffset).getUint32(0);
}
