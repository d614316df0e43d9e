import type { ServerAction } from '../../agent/core/server/machine.ts';
import { formatHardwareAddress, parseHardwareAddress } from '../../codec/hardware.ts';
import { formatIpv4, type Ipv4, LIMITED_BROADCAST } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import { decodeMessage } from '../../codec/v4/message.ts';
import { Agenda } from './agenda.ts';
import { Chance } from './chance.ts';
import { Client, type ClientHost, type Device, type Held, type Temperament } from './client.ts';
import { Disk, type Mutant } from './disk.ts';
import { History, Violation } from './history.ts';
import { Hostile } from './hostile.ts';
import { Network } from './network.ts';
import {
  isPooled,
  KNOBS,
  LAN,
  LONGEST,
  QUARANTINE,
  SEGMENTS,
  type Segment,
  segmentOf,
  UPLINK,
} from './plant.ts';
import { type Relayed, RelayNode } from './relay.ts';
import { ServerNode } from './server.ts';
import { Witness } from './witness.ts';

const MINUTE: Millis = 60_000;
/** Honest devices of each segment, by number: most fit into its pool, those of the last do not. */
const DEVICES = [12, 14, 12] as const;
const TEMPERAMENTS: readonly Temperament[] = [
  'polite',
  'polite',
  'polite',
  'impatient',
  'forgetful',
];
/** The way between relays and server. */
const BACKBONE = 'backbone';

/** A network with its server, relays, clients and misfortunes, all of it from one seed. */
export class World implements ClientHost {
  readonly agenda = new Agenda();
  readonly chance: Chance;
  readonly history = new History();
  private readonly network: Network;
  private readonly disk: Disk;
  private readonly witness: Witness;
  private readonly server: ServerNode;
  private readonly relays: readonly (RelayNode | null)[];
  private readonly clients: readonly Client[];
  private readonly hostile: Hostile;
  /** Addresses that somebody uses who never asked for them. */
  private readonly squatted = new Set<Ipv4>();
  private calm = false;

  constructor(seed: number, mutant: Mutant | null = null) {
    this.chance = new Chance(seed);
    const { agenda, chance, history } = this;
    this.network = new Network(agenda, chance, history);
    this.disk = new Disk(agenda, chance, mutant);
    this.witness = new Witness(agenda, this.disk, history);
    this.relays = SEGMENTS.map((one) => (one.relayed ? new RelayNode(one, history) : null));
    this.server = new ServerNode(agenda, this.disk, history, {
      act: (action) => this.act(action),
      lease: ({ state }) => history.count(`leases ${state}`),
    });
    this.hostile = new Hostile(chance);
    this.clients = SEGMENTS.flatMap((segment) =>
      Array.from(
        { length: DEVICES[segment.index]! },
        (_, n) => new Client(device(segment, n), segment, this),
      ),
    );
    for (const client of this.clients)
      agenda.after(chance.between(0, 5 * MINUTE), () => client.start());
    this.misfortunes();
  }

  /** Lets time pass; throws Violation. */
  run(hours: number): void {
    const end = this.agenda.now + hours * 3_600_000;
    while (this.agenda.step(end)) if (this.agenda.now > end) break;
  }

  /** All is well from now on; after a while everybody must have what there is. Throws Violation. */
  settle(): void {
    this.calm = true;
    this.network.cut.clear();
    this.network.weather = { loss: 0, duplication: 0, straying: 0 };
    this.squatted.clear();
    if (this.server.machine === null) this.restart();
    this.server.recover();
    this.server.configure(KNOBS);
    for (const client of this.clients) if (client.state === 'off') client.start();
    // Whatever was granted, quarantined or offered before is over by then.
    this.run((LONGEST + QUARANTINE + 30 * MINUTE) / 3_600_000);
    for (const segment of SEGMENTS) {
      const here = this.clients.filter((client) => client.segment === segment);
      const room = segment.last - segment.first + 1;
      const holding = this.witness.holding((client) => client.segment === segment);
      if (holding >= Math.min(here.length, room)) continue;
      throw new Violation(
        `${segment.name}: ${holding} of ${here.length} clients have an address of ${room}, in fair weather`,
      );
    }
  }

  isSquatted(address: Ipv4): boolean {
    return this.squatted.has(address);
  }

  took(client: Client, held: Held): void {
    this.history.note(this.agenda.now, `${client.device.name} takes ${formatIpv4(held.address)}`);
    if (!isPooled(held.address) || segmentOf(held.address) !== client.segment)
      throw new Violation(
        `${client.device.name} on ${client.segment.name} was given ${formatIpv4(held.address)}`,
      );
    this.witness.took(client, held);
  }

  left(client: Client, how: string): void {
    this.history.note(this.agenda.now, `${client.device.name} ${how}`);
    this.history.count(`a client ${how}`);
    this.witness.left(client);
  }

  send(client: Client, message: Uint8Array, from: Ipv4, to: Ipv4 | null): void {
    const { segment } = client;
    this.history.note(this.agenda.now, client.device.name, message);
    this.network.carry(segment.name, () => this.fromLink(segment, message, from, to));
  }

  private fromLink(segment: Segment, message: Uint8Array, from: Ipv4, to: Ipv4 | null): void {
    const { agenda, relays } = this;
    if (!segment.relayed) {
      this.arrive(LAN, from, to ?? LIMITED_BROADCAST, message);
    } else if (to === null) {
      const relay = relays[segment.index]!;
      for (const one of relay.fromClient(agenda.now, from, message)) this.relayed(segment, one);
    } else this.network.carry(BACKBONE, () => this.arrive(UPLINK, from, to, message));
  }

  private relayed(segment: Segment, { up, source, destination, message }: Relayed): void {
    if (up)
      this.network.carry(BACKBONE, () => this.arrive(UPLINK, source, destination, message, 67));
    else this.network.carry(segment.name, () => this.toClients(segment, message));
  }

  private arrive(
    ifindex: number,
    source: Ipv4,
    destination: Ipv4,
    message: Uint8Array,
    sourcePort = 68,
  ): void {
    const copy = Uint8Array.from(message);
    this.server.receive({
      kind: 'received',
      ifindex,
      source,
      destination,
      message: copy,
      sourcePort,
    });
  }

  private toClients(segment: Segment, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if (typeof message === 'string')
      throw new Violation(`the server sends what is no message: ${message}`);
    const mac = formatHardwareAddress(message.chaddr.subarray(0, 6));
    for (const client of this.clients)
      if (client.segment === segment && client.device.mac === mac) client.receive(message);
  }

  private act(action: ServerAction): void {
    switch (action.kind) {
      case 'send':
        this.sent(action);
        break;
      case 'arpProbe':
      case 'icmpProbe':
        this.probe(action.address);
        break;
      case 'drop':
        this.history.count(`server dropped ${action.reason}`);
        break;
    }
  }

  private sent({
    link,
    source,
    destination,
    message,
  }: Extract<ServerAction, { kind: 'send' }>): void {
    const copy = Uint8Array.from(message);
    this.history.note(this.agenda.now, 'server', copy);
    this.witness.sends(this.server, copy);
    if (link?.ifindex === LAN) {
      this.network.carry('lan', () => this.toClients(SEGMENTS[0]!, copy));
      return;
    }
    const segment = segmentOf(destination);
    if (segment === null) {
      this.history.count('replies to nowhere');
      return;
    }
    this.network.carry(BACKBONE, () => {
      const relay = this.relays[segment.index];
      if (relay == null || destination !== segment.gateway)
        this.network.carry(segment.name, () => this.toClients(segment, copy));
      else
        for (const one of relay.fromServer(this.agenda.now, source, copy))
          this.relayed(segment, one);
    });
  }

  // Whoever uses an address answers, unless the probe or the answer is lost.
  private probe(address: Ipv4): void {
    this.history.count('probes');
    const user = this.clients.find(
      ({ held, state }) => held?.address === address && state !== 'off',
    );
    if (user === undefined && !this.squatted.has(address)) return;
    const path = segmentOf(address)?.name ?? BACKBONE;
    const mac = user === undefined ? '0e:55:00:00:00:01' : user.device.mac;
    this.network.carry(path, () =>
      this.network.carry(path, () => this.server.probeAnswered(address, parseHardwareAddress(mac))),
    );
  }

  private misfortunes(): void {
    const { chance } = this;
    this.nowAndThen(25 * MINUTE, () => this.crash(false));
    this.nowAndThen(90 * MINUTE, () => this.crash(this.server.mayLosePower));
    this.nowAndThen(60 * MINUTE, () => this.failDisk());
    this.nowAndThen(45 * MINUTE, () => this.stepWall());
    this.nowAndThen(30 * MINUTE, () => this.cutPath());
    this.nowAndThen(40 * MINUTE, () => this.edit());
    this.nowAndThen(15 * MINUTE, () => this.squat());
    this.nowAndThen(2 * MINUTE, () => this.trouble(chance.pick(this.clients)));
    this.nowAndThen(MINUTE, () => this.attack());
  }

  private nowAndThen(mean: Millis, what: () => void): void {
    this.agenda.after(this.chance.wait(mean), () => {
      if (!this.calm) what();
      this.nowAndThen(mean, what);
    });
  }

  // Not while the machine is off: the wall clock alone tells for how long that is.
  private stepWall(): void {
    const by = this.chance.between(-7_200_000, 7_200_000);
    if (!this.server.isOff) this.server.stepWall(by);
  }

  private crash(power: boolean): void {
    if (this.server.machine === null) return;
    this.history.note(this.agenda.now, power ? 'the power fails' : 'the server is killed');
    this.history.count(power ? 'power failures' : 'kills');
    this.server.crash(power);
    this.agenda.after(this.chance.between(500, 3 * MINUTE), () => {
      if (this.server.machine === null) this.restart();
    });
  }

  private restart(): void {
    this.history.note(this.agenda.now, 'the server starts');
    this.server.start();
    this.witness.restarted(this.server);
  }

  private failDisk(): void {
    if (this.server.machine === null) return;
    this.history.note(this.agenda.now, 'the disk is full');
    this.history.count('full disks');
    this.disk.fail();
    this.agenda.after(this.chance.between(1_000, 10 * MINUTE), () => this.server.recover());
  }

  private cutPath(): void {
    const path = this.chance.pick([BACKBONE, ...SEGMENTS.map(({ name }) => name)]);
    this.history.count('paths cut');
    this.network.cut.add(path);
    this.agenda.after(this.chance.between(1_000, 15 * MINUTE), () => this.network.cut.delete(path));
  }

  private edit(): void {
    const { chance } = this;
    const segment = chance.pick(SEGMENTS);
    this.history.count('edits');
    this.server.configure({
      leaseTime: chance.pick(['4m', '10m', '20m']),
      authoritative: chance.happens(0.7),
      probing: chance.happens(0.8),
      rapidCommit: chance.happens(0.7),
      excluded: chance.happens(0.3) ? (chance.between(segment.first, segment.last) as Ipv4) : null,
    });
  }

  private squat(): void {
    const segment = this.chance.pick(SEGMENTS);
    const address = this.chance.between(segment.first, segment.last) as Ipv4;
    // Nobody moves in where somebody lives: that would be two users of one address, and no server's fault.
    if (this.witness.holding(({ held }) => held?.address === address) > 0) return;
    this.history.count('squatters');
    this.squatted.add(address);
    this.agenda.after(this.chance.between(MINUTE, 40 * MINUTE), () =>
      this.squatted.delete(address),
    );
  }

  private trouble(client: Client): void {
    const { chance, agenda } = this;
    // Who rests, rests: what it sent last may still be on its way, and nobody could tell a late RELEASE from a new one.
    if (client.state === 'off' || client.state === 'idle') return;
    if (client.device.temperament === 'forgetful' && chance.happens(0.5)) client.forget();
    else if (chance.happens(0.4)) client.release();
    else {
      client.stop();
      agenda.after(chance.between(1_000, 30 * MINUTE), () => {
        if (client.state === 'off') client.start();
      });
    }
  }

  private attack(): void {
    const segment = this.chance.pick(SEGMENTS);
    for (const message of this.hostile.attack(segment)) {
      this.history.count('attacks');
      this.network.carry(segment.name, () => this.fromLink(segment, message, 0 as Ipv4, null));
    }
  }
}

function device(segment: Segment, n: number): Device {
  const name = `${segment.name}-${n}`;
  const mac = `02:00:00:00:0${segment.index}:${n.toString(16).padStart(2, '0')}`;
  const clientId = n % 3 === 0 ? null : Uint8Array.of(0, segment.index, n);
  const temperament = TEMPERAMENTS[n % TEMPERAMENTS.length]!;
  return { name, mac, clientId, temperament, identity: name, isClone: false };
}
