import { messageOf, type Say } from '../../agent/core/server/testbed.ts';
import { formatIpv4, type Ipv4, UNSPECIFIED } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import * as H from '../../codec/v4/header.ts';
import { type Message, messageTypeOf, optionOf } from '../../codec/v4/message.ts';
import { OPTION } from '../../codec/v4/options.ts';
import type { Agenda, Appointment } from './agenda.ts';
import type { Chance } from './chance.ts';
import { LIFETIME_MOST } from './network.ts';
import type { Segment } from './plant.ts';

/** Polite ones do what RFC 2131 says; impatient ones ask all the time; forgetful ones lose what they were told. */
export type Temperament = 'polite' | 'impatient' | 'forgetful';

/** Who a client is. */
export interface Device {
  readonly name: string;
  readonly mac: string;
  readonly clientId: Uint8Array | null;
  readonly temperament: Temperament;
  /** What the server tells it from others by; clones share it. */
  readonly identity: string;
  readonly isClone: boolean;
}

/** What a client was told. */
export interface Held {
  readonly address: Ipv4;
  readonly until: Millis;
  readonly server: Ipv4;
  readonly renewAt: Millis;
  readonly rebindAt: Millis;
}

/** What is around a client. */
export interface ClientHost {
  readonly agenda: Agenda;
  readonly chance: Chance;
  /** `to` null: everyone on the link. */
  send(client: Client, message: Uint8Array, from: Ipv4, to: Ipv4 | null): void;
  /** Whether somebody who never asked for it answers to an address on the client's link. */
  isSquatted(address: Ipv4): boolean;
  /** The client has taken a lease, in place of what it had. */
  took(client: Client, held: Held): void;
  /** The client does not use what it had any more. */
  left(client: Client, how: string): void;
}

type State =
  | 'off'
  | 'idle'
  | 'selecting'
  | 'requesting'
  | 'rebooting'
  | 'bound'
  | 'renewing'
  | 'rebinding';

/** RFC 2131 §4.1: 4 s, doubled each time up to 64 s, each a second more or less. */
const BACKOFF_FIRST: Millis = 4_000;
const BACKOFF_LAST: Millis = 64_000;
const IMPATIENCE: Millis = 500;
/** RFC 2131 §3.1.5: at least ten seconds before a client that has declined starts anew; no stray packet lives as long. */
const REST: Millis = 10_000 + LIFETIME_MOST;
const TRIES = 4;
/** RFC 2131 §4.4.5: a renewal is not repeated sooner. */
const RENEWAL_LEAST: Millis = 60_000;
const ANSWERS: ReadonlySet<State> = new Set(['requesting', 'rebooting', 'renewing', 'rebinding']);

/** One client of RFC 2131, Figure 5, with its moods. */
export class Client {
  readonly device: Device;
  segment: Segment;
  state: State = 'off';
  held: Held | null = null;
  private xid = 0;
  private tries = 0;
  /** When the message was first sent that is to be answered: leases count from there (RFC 2131 §4.4.1). */
  private askedAt: Millis = 0;
  private asking: Say = {};
  private timer: Appointment | null = null;
  private readonly host: ClientHost;

  constructor(device: Device, segment: Segment, host: ClientHost) {
    this.device = device;
    this.segment = segment;
    this.host = host;
  }

  /** Is switched on: with what it remembers, if that may still be good. */
  start(): void {
    const { host, held } = this;
    if (held === null || held.until <= host.agenda.now) this.discover();
    else this.reboot(held);
  }

  /** Is cut from power, or carried away; it remembers its lease. */
  stop(): void {
    this.state = 'off';
    this.wake(null);
  }

  /** Forgets everything, without telling anybody. */
  forget(): void {
    this.drop('forgets');
    this.discover();
  }

  /** Gives its address back (RFC 2131 §4.4.6) and rests. */
  release(): void {
    const { held } = this;
    if (held === null) return;
    const server = formatIpv4(held.server);
    const say: Say = { type: 'RELEASE', ciaddr: formatIpv4(held.address), server };
    this.drop('releases');
    this.say(say, held.address, held.server);
    this.rest();
  }

  receive(message: Message): void {
    if (message.op !== H.BOOTREPLY || message.xid !== this.xid || this.state === 'off') return;
    const type = messageTypeOf(message);
    const { state } = this;
    if (type === H.DHCPOFFER && state === 'selecting') this.take(message);
    else if (type === H.DHCPNAK && ANSWERS.has(state)) this.refused();
    else if (type === H.DHCPACK && (ANSWERS.has(state) || this.isRapid(message)))
      this.bind(message);
  }

  private isRapid(message: Message): boolean {
    return this.state === 'selecting' && optionOf(message, OPTION.rapidCommit) !== null;
  }

  private discover(): void {
    const { chance } = this.host;
    this.state = 'selecting';
    const rapid = chance.happens(0.2) ? { options: { 80: new Uint8Array() } } : {};
    const wish = chance.happens(0.2) ? { requested: formatIpv4(this.somewhere()) } : {};
    this.ask({ type: 'DISCOVER', ...rapid, ...wish, ...this.wishedTime() });
  }

  private somewhere(): Ipv4 {
    const { first, last } = this.segment;
    return this.host.chance.between(first, last) as Ipv4;
  }

  private wishedTime(): { leaseTime?: number } {
    const { chance } = this.host;
    return chance.happens(0.1) ? { leaseTime: chance.between(60, 1_500) } : {};
  }

  private reboot(held: Held): void {
    this.state = 'rebooting';
    this.ask({ type: 'REQUEST', requested: formatIpv4(held.address) });
  }

  private take(offer: Message): void {
    // Not everyone takes what it is offered.
    if (offer.yiaddr === UNSPECIFIED || this.host.chance.happens(0.03)) return;
    this.state = 'requesting';
    const server = addressIn(offer, OPTION.serverIdentifier);
    const { xid } = this;
    this.ask({
      type: 'REQUEST',
      requested: formatIpv4(offer.yiaddr),
      server: formatIpv4(server),
      ...this.wishedTime(),
    });
    if (this.device.temperament !== 'impatient') this.xid = xid;
  }

  private bind(ack: Message): void {
    const { host, device } = this;
    const { now } = host.agenda;
    const lease = numberIn(ack, OPTION.leaseTime) * 1000;
    const fresh = this.held === null;
    const held: Held = {
      address: ack.yiaddr,
      until: this.askedAt + lease,
      server: addressIn(ack, OPTION.serverIdentifier),
      renewAt: this.askedAt + numberIn(ack, OPTION.renewalTime) * 1000,
      rebindAt: this.askedAt + numberIn(ack, OPTION.rebindingTime) * 1000,
    };
    // RFC 2131 §3.1.5: look whether somebody else has it. Not all do, and not all see.
    if (fresh && host.isSquatted(ack.yiaddr) && host.chance.happens(0.9)) {
      this.decline(held);
      return;
    }
    if (held.until <= now) return;
    this.held = held;
    this.state = 'bound';
    host.took(this, held);
    const early = device.temperament === 'impatient' ? (held.renewAt - this.askedAt) * 0.9 : 0;
    this.wakeAt(held.renewAt - early);
  }

  // RFC 2131 §3.1.5, Table 5: what was acknowledged is given back.
  private decline(held: Held): void {
    this.drop('declines');
    const requested = formatIpv4(held.address);
    this.say({ type: 'DECLINE', requested, server: formatIpv4(held.server) }, UNSPECIFIED, null);
    this.rest();
  }

  private refused(): void {
    this.drop('is refused');
    this.state = 'idle';
    this.wakeAt(this.host.agenda.now + this.host.chance.between(10, 1_000));
  }

  private rest(): void {
    this.state = 'idle';
    this.wakeAt(this.host.agenda.now + this.host.chance.between(REST, 3 * REST));
  }

  private drop(how: string): void {
    if (this.held !== null) this.host.left(this, how);
    this.held = null;
  }

  private ask(say: Say): void {
    const { host } = this;
    this.xid = host.chance.word();
    this.asking = say;
    this.tries = 0;
    this.askedAt = host.agenda.now;
    this.tell();
  }

  private tell(): void {
    const { held, state, host } = this;
    const ciaddr = state === 'renewing' || state === 'rebinding' ? held!.address : UNSPECIFIED;
    this.say(this.asking, ciaddr, state === 'renewing' ? held!.server : null);
    this.tries++;
    this.wakeAt(host.agenda.now + this.patience());
  }

  private patience(): Millis {
    const { host, device, held, state } = this;
    const { now } = host.agenda;
    if (state === 'renewing') return Math.max(RENEWAL_LEAST, (held!.rebindAt - now) / 2);
    if (state === 'rebinding') return Math.max(RENEWAL_LEAST, (held!.until - now) / 2);
    if (device.temperament === 'impatient') return IMPATIENCE;
    const most = Math.min(BACKOFF_FIRST * 2 ** this.tries, BACKOFF_LAST);
    return most + host.chance.between(0, 2_000) - 1_000;
  }

  private say(say: Say, from: Ipv4, to: Ipv4 | null): void {
    const { device, host } = this;
    const { mac, clientId } = device;
    const whole: Say = {
      ...say,
      mac,
      xid: this.xid,
      broadcast: host.chance.happens(0.2),
      ...(clientId === null ? {} : { clientId }),
      ...(from === UNSPECIFIED ? {} : { ciaddr: formatIpv4(from) }),
    };
    host.send(this, messageOf(whole), from, to);
  }

  private wakeAt(at: Millis): void {
    const { held, host } = this;
    this.wake(host.agenda.at(Math.ceil(Math.min(at, held?.until ?? at)), () => this.due()));
  }

  private wake(timer: Appointment | null): void {
    if (this.timer !== null) this.timer.cancelled = true;
    this.timer = timer;
  }

  private due(): void {
    this.timer = null;
    const { held, host } = this;
    const { now } = host.agenda;
    if (held !== null && held.until <= now) {
      this.drop('runs out');
      this.discover();
    } else if (held === null || this.state === 'rebooting') {
      this.again(held);
    } else {
      this.prolong(held, now);
    }
  }

  private again(held: Held | null): void {
    const { host, state, device } = this;
    // Anew after a while: what answers an old message counts from when that was first sent.
    const tired = this.tries >= TRIES && (state === 'requesting' || state === 'selecting');
    if (state === 'idle' || tired) this.discover();
    else if (state === 'rebooting' && this.tries >= TRIES && held !== null) {
      // RFC 2131 §3.2.3: a client that nobody answers may use what it has for as long as it may.
      this.state = 'bound';
      this.wakeAt(Math.max(held.renewAt, host.agenda.now + RENEWAL_LEAST));
    } else if (device.temperament === 'impatient') this.ask(this.asking);
    else this.tell();
  }

  private prolong(held: Held, now: Millis): void {
    const state = now >= held.rebindAt ? 'rebinding' : 'renewing';
    const repeated = this.state === state;
    this.state = state;
    if (repeated) this.tell();
    else this.ask({ type: 'REQUEST', ...this.wishedTime() });
  }
}

function addressIn(message: Message, code: number): Ipv4 {
  return numberIn(message, code) as Ipv4;
}

function numberIn(message: Message, code: number): number {
  const data = optionOf(message, code);
  if (data?.length !== 4) throw new Error(`a reply without option ${code}`);
  return new DataView(data.buffer, data.byteOffset).getUint32(0);
}
