import { Leases } from '../../agent/core/lease/table.ts';
import type { Lease } from '../../agent/core/lease.ts';
import {
  type ReceivedEvent,
  type ServerAction,
  ServerMachine,
} from '../../agent/core/server/machine.ts';
import { LeaseClock } from '../../agent/store/clock.ts';
import type { Ipv4 } from '../../codec/ipv4.ts';
import type { Millis, WallMillis } from '../../codec/machine.ts';
import type { Agenda, Appointment } from './agenda.ts';
import type { Disk } from './disk.ts';
import type { History } from './history.ts';
import { KNOBS, type Knobs, SERVER_LINKS, serverConfig } from './plant.ts';

const KEYS = [
  { low: 1, high: 2 },
  { low: 3, high: 4 },
] as const;
/** What the wall clock says when a run starts. */
const WALL_START = Date.UTC(2026, 0, 1);
/** How often the real store looks whether the wall clock was stepped. */
const WALL_CHECK: Millis = 10_000;

/** Who is told what a server does. */
export interface ServerHost {
  act(action: ServerAction): void;
  lease(lease: Lease): void;
}

/** A machine with a server process on it that can be ended and started, over a disk that stays. */
export class ServerNode {
  /** Null while the process is down. */
  machine: ServerMachine | null = null;
  knobs: Knobs = KNOBS;
  leases: Leases | null = null;
  private wall = WALL_START;
  private bootedAt: Millis = 0;
  private boots = 0;
  /** Whether the machine is without power, and not only the process gone. */
  isOff = false;
  private leaseClock: LeaseClock | null = null;
  private timer: Appointment | null = null;
  private readonly agenda: Agenda;
  private readonly disk: Disk;
  private readonly history: History;
  private readonly host: ServerHost;

  constructor(agenda: Agenda, disk: Disk, history: History, host: ServerHost) {
    this.agenda = agenda;
    this.disk = disk;
    this.history = history;
    this.host = host;
    this.start();
    this.watchWall();
  }

  /** The lease clock of the process that runs. */
  get now(): Millis {
    return this.leaseClock!.now();
  }

  /** Whether the disk knows how the wall clock stands, which has to tell how long the machine was off. */
  get mayLosePower(): boolean {
    const { clock } = this.disk;
    return clock !== null && this.leaseClock?.stepped(clock) === false;
  }

  start(): void {
    this.isOff = false;
    const { disk } = this;
    const leases = new Leases({ secret: KEYS[0], log: disk });
    disk.open(leases);
    const source = {
      bootId: new Uint8Array(16).fill(this.boots),
      boot: () => this.agenda.now - this.bootedAt,
      wall: () => (this.wall + this.agenda.now) as WallMillis,
    };
    const clock = new LeaseClock(source, disk.clock, leases.latest);
    this.leaseClock = clock;
    leases.settle(clock.now());
    this.leases = leases;
    this.machine = new ServerMachine({
      config: serverConfig(this.knobs),
      links: SERVER_LINKS,
      leases,
      keys: KEYS,
      held: 32,
      observer: this.observer(),
    });
    disk.start({
      clock: () => clock.record(),
      durable: (ticket) =>
        this.take((machine) => machine.handle(this.now, { kind: 'durable', ticket })),
      failed: (ticket, addresses) => {
        this.machine!.core.failed(ticket, addresses);
        this.machine!.core.writable = false;
      },
    });
    this.arm();
  }

  /** The process ends without a warning; with `power`, the machine too. */
  crash(power: boolean): void {
    this.timer = cancelled(this.timer);
    this.machine = null;
    this.leases = null;
    this.leaseClock = null;
    this.disk.crash();
    if (!power) return;
    this.isOff = true;
    this.boots++;
    this.bootedAt = this.agenda.now;
  }

  /** Somebody sets the wall clock. */
  stepWall(by: Millis): void {
    this.wall += by;
  }

  /** Writing works again. */
  recover(): void {
    if (this.machine === null) return;
    this.disk.recover();
    this.machine.core.writable = true;
  }

  configure(knobs: Knobs): void {
    this.knobs = knobs;
    this.take((machine) =>
      machine.handle(this.now, { kind: 'configured', config: serverConfig(knobs) }),
    );
  }

  receive(event: ReceivedEvent): void {
    this.take((machine) => machine.handle(this.now, event));
  }

  probeAnswered(address: Ipv4, hardwareAddress: Uint8Array | null): void {
    const event = { kind: 'probeAnswered', address, hardwareAddress } as const;
    this.take((machine) => machine.handle(this.now, event));
  }

  private take(does: (machine: ServerMachine) => readonly ServerAction[]): void {
    if (this.machine === null) return;
    const actions = does(this.machine);
    for (const action of actions) this.host.act(action);
    this.arm();
  }

  private arm(): void {
    this.timer = cancelled(this.timer);
    const due = this.machine?.deadline() ?? null;
    if (due === null) return;
    const delay = Math.max(0, due - this.now);
    this.timer = this.agenda.after(delay, () => {
      this.timer = null;
      this.take((machine) => machine.tick(this.now));
    });
  }

  private watchWall(): void {
    if (this.leaseClock !== null) this.noteStep();
    this.agenda.after(WALL_CHECK, () => this.watchWall());
  }

  private noteStep(): void {
    const { clock } = this.disk;
    if (clock !== null && this.leaseClock!.stepped(clock)) this.disk.note();
  }

  private observer(): ConstructorParameters<typeof ServerMachine>[0]['observer'] {
    const count = (what: string) => (): void => this.history.count(what);
    return {
      request: count('server requests'),
      reply: count('server replies'),
      lease: (lease) => this.host.lease(lease),
      conflict: count('addresses found in use'),
      declined: count('addresses declined'),
      clone: count('clones found'),
      probeSkipped: count('probes skipped'),
      informationOmitted: count('relay information omitted'),
      foreignServer: count('foreign servers seen'),
    };
  }
}

function cancelled(timer: Appointment | null): null {
  if (timer !== null) timer.cancelled = true;
  return null;
}
