// What must hold whatever clients do and whatever bytes arrive.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { optionOf } from '../../../codec/v4/message.ts';
import { encodeRelayInformation } from '../../../codec/v4/relayinfo.ts';
import type { DhcpServerSpec } from '../../../crds/types/dhcpserver.ts';
import { Bed, ETH0, type Heard, ip, messageOf, type Say, SERVER } from './testbed.ts';

const CLIENTS = 8;
const mac = (n: number): string => `02:00:00:00:00:${(n + 16).toString(16)}`;

/** Fewer addresses than clients, so that they have to share; one reserved, one that only phones get. */
const SPEC: Partial<DhcpServerSpec> = {
  leaseTime: '2m',
  declineQuarantine: '3m',
  conflictDetection: { timeout: '300ms', repeatAfter: '1m' },
  classes: [{ name: 'phones', match: 'packet.vendorClass == "phone"' }],
  subnets: [
    {
      cidr: '192.0.2.0/24',
      pools: [
        { start: '192.0.2.10', end: '192.0.2.12' },
        { start: '192.0.2.15', end: '192.0.2.15', classes: ['phones'] },
      ],
      reservations: [{ address: '192.0.2.12', hardwareAddress: mac(0) }],
    },
  ],
};

type Step =
  | {
      readonly do: 'discover' | 'request' | 'renew' | 'release' | 'decline' | 'reboot';
      readonly client: number;
    }
  | { readonly do: 'pass'; readonly seconds: number }
  | { readonly do: 'taken'; readonly host: number }
  | { readonly do: 'restart' | 'edit' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom('discover', 'request', 'renew', 'release', 'decline', 'reboot' as const),
      client: fc.nat(CLIENTS - 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.nat(150) }) },
  // Long enough for an offer to be given to somebody else, and too short for it to end.
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.constant(11) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('taken' as const),
      host: fc.integer({ min: 10, max: 15 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart', 'edit' as const) }) },
);

const steps = fc.array(step, { minLength: 20, maxLength: 120, size: 'max' });

/** Clients that believe what they are told, and a server that may be restarted over the same leases. */
class World {
  bed = new Bed(SPEC);
  /** What each client was last acknowledged, and until when it may use it. */
  readonly held = new Map<number, { readonly address: string; readonly until: number }>();
  private readonly offered = new Map<number, string>();

  run(step: Step): void {
    switch (step.do) {
      case 'pass':
        this.hear(this.bed.pass(step.seconds * 1000));
        break;
      case 'taken':
        this.hear(this.bed.probeAnswered(`192.0.2.${step.host}`, '02:00:00:00:99:99'));
        break;
      case 'restart': {
        const { now, leases } = this.bed;
        this.bed = new Bed(SPEC, { leases });
        this.bed.now = now;
        break;
      }
      case 'edit':
        this.bed.configure({ ...SPEC, authoritative: true });
        break;
      default:
        this.act(step.do, step.client);
    }
  }

  private act(what: string, client: number): void {
    const held = this.held.get(client);
    const base: Say = {
      mac: mac(client),
      ...(client % 2 ? { options: { 60: Buffer.from('phone') } } : {}),
    };
    const say = (more: Say): void => this.hear(this.bed.say({ ...base, ...more }));
    const offer = this.offered.get(client);
    if (what === 'discover') say({ type: 'DISCOVER' });
    else if (what === 'request' && offer !== undefined) {
      this.offered.delete(client);
      say({ type: 'REQUEST', requested: offer, server: SERVER });
    } else if (held === undefined) return;
    else if (what === 'renew') say({ type: 'REQUEST', ciaddr: held.address });
    else if (what === 'reboot') say({ type: 'REQUEST', requested: held.address });
    else {
      this.held.delete(client);
      if (what === 'release') say({ type: 'RELEASE', ciaddr: held.address, server: SERVER });
      else say({ type: 'DECLINE', requested: held.address, server: SERVER });
    }
  }

  private hear(heard: readonly Heard[]): void {
    for (const reply of heard) {
      const client = reply.message.chaddr[5]! - 16;
      if (reply.type === 'NAK') this.held.delete(client);
      else if (reply.type === 'OFFER') this.offered.set(client, reply.yiaddr);
      else {
        const lease = reply.message.options.find(({ code }) => code === 51)!.data;
        const seconds = new DataView(lease.buffer, lease.byteOffset).getUint32(0);
        this.held.set(client, { address: reply.yiaddr, until: this.bed.now + seconds * 1000 });
      }
    }
    this.check();
  }

  private check(): void {
    const users = new Map<string, number>();
    for (const [client, { address, until }] of this.held) {
      if (until <= this.bed.now) continue;
      assert.equal(users.get(address), undefined, `${address} has two holders`);
      users.set(address, client);
      assert.equal(this.bed.stateOf(address), 'bound', `${address} was acknowledged`);
      if (address === '192.0.2.12') assert.equal(client, 0, 'reserved');
      if (address === '192.0.2.15') assert.equal(client % 2, 1, 'for phones');
    }
  }
}

test('never two holders of one address, nor an acknowledged lease that is not on record', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const world = new World();
      for (const each of all) world.run(each);
    }),
    { numRuns: 300 },
  );
});

test('an address that was left, expired or declined is usable again in the end', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const world = new World();
      for (const each of all) world.run(each);
      // Everything runs out, and nobody answers probes any more.
      for (let passed = 0; passed < 10; passed++) world.run({ do: 'pass', seconds: 120 });
      const given = new Set<string>();
      // Strangers all: who had an address before might get it back although nobody else could have it.
      for (let client = CLIENTS; client < 2 * CLIENTS; client++) {
        const [offer] = [...world.bed.say({ mac: mac(client) }), ...world.bed.pass(300)];
        if (offer !== undefined) given.add(offer.yiaddr);
      }
      assert.deepEqual([...given].sort(), ['192.0.2.10', '192.0.2.11']);
    }),
    { numRuns: 1000 },
  );
});

const EVERYTHING: Partial<DhcpServerSpec> = {
  ...SPEC,
  bootp: 'Dynamic',
  rapidCommit: true,
  authoritative: true,
  autoConfigure: 'Allow',
  ipv6OnlyWait: '30m',
  leaseQuery: { from: [{ cidr: '0.0.0.0/0' }] },
  boot: [
    { architectures: ['x64-uefi'], file: 'a' },
    { userClass: 'iPXE', httpUrl: 'http://a/' },
  ],
  classes: [
    { name: 'phones', match: 'packet.vendorClass == "phone" || 7 in packet.architectures' },
    {
      name: 'all',
      match:
        '"x" in packet.userClasses || packet.fqdn != "" || packet.vrf == "red" || packet.text(12) == "y"',
    },
  ],
};

const SEEDS: readonly Say[] = [
  { clientId: Uint8Array.of(1, 2, 0, 0, 0, 0, 1), ask: [1, 3, 6, 108], maxSize: 1500 },
  {
    type: 'REQUEST',
    requested: '192.0.2.10',
    server: SERVER,
    options: { 81: Uint8Array.of(4, 0, 0, 1, 97, 0) },
  },
  { type: 'REQUEST', ciaddr: '192.0.2.10' },
  { type: 'RELEASE', ciaddr: '192.0.2.10', server: SERVER },
  { type: 'DECLINE', requested: '192.0.2.10', server: SERVER },
  {
    type: 'INFORM',
    ciaddr: '192.0.2.77',
    options: { 60: Buffer.from('PXEClient'), 93: Uint8Array.of(0, 7), 77: Buffer.from('iPXE') },
  },
  { type: 'LEASEQUERY', giaddr: '192.0.2.3', ciaddr: '192.0.2.10', mac: '' },
  { type: 'BOOTP' },
  {
    giaddr: '192.0.2.3',
    relay: encodeRelayInformation([
      { code: 1, data: Buffer.from('port') },
      { code: 5, data: Uint8Array.of(192, 0, 2, 0) },
      { code: 151, data: Buffer.from('\0red') },
      { code: 152, data: new Uint8Array() },
    ]),
    options: { 80: new Uint8Array(), 116: Uint8Array.of(1), 118: Uint8Array.of(192, 0, 2, 0) },
  },
];

const mutation = fc.record({
  seed: fc.nat(SEEDS.length - 1),
  bytes: fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 12 }),
  cut: fc.option(fc.nat(600), { nil: null }),
  tail: fc.uint8Array({ maxLength: 40 }),
});

test('no message makes the server throw, and every reply is well formed', () => {
  const bed = new Bed(EVERYTHING);
  fc.assert(
    fc.property(mutation, ({ seed, bytes, cut, tail }) => {
      const message = Buffer.concat([messageOf(SEEDS[seed]!), tail]);
      for (const [at, value] of bytes) if (at < message.length) message[at] = value;
      const actions = bed.machine.handle(bed.now, {
        kind: 'received',
        ifindex: ETH0,
        source: ip('192.0.2.77'),
        destination: seed === 0 ? ip('255.255.255.255') : ip(SERVER),
        message: cut === null ? message : message.subarray(0, cut),
      });
      bed.now += 10;
      for (const action of actions) {
        if (action.kind !== 'send') continue;
        assert.ok(action.message.length >= 300 && action.message.length <= 1472);
        assert.equal(action.message[0], 2);
      }
      bed.pass(1);
    }),
    { numRuns: 3000 },
  );
});

/** Octets of what a client sends of its own: each alone, and all together, may fill a frame. */
interface Lengths {
  readonly type: 'DISCOVER' | 'REQUEST' | 'INFORM' | 'BOOTP';
  readonly clientId: number;
  readonly relay: number;
  readonly name: number;
  readonly maxSize: number;
}

const lengths: fc.Arbitrary<Lengths> = fc.record({
  type: fc.constantFrom('DISCOVER', 'REQUEST', 'INFORM', 'BOOTP' as const),
  clientId: fc.oneof(fc.integer({ min: 2, max: 300 }), fc.integer({ min: 1100, max: 1220 })),
  relay: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1100 })),
  name: fc.oneof(fc.constant(0), fc.integer({ min: 4, max: 1100 })),
  maxSize: fc.integer({ min: 0, max: 1600 }),
});

const MACHINE_ID = Uint8Array.from({ length: 17 }, (_, i) => i);

function longSay({ type, clientId, relay, name, maxSize }: Lengths): Say {
  const fqdn = { 81: Uint8Array.from({ length: name }, (_, i) => (i < 3 ? 0 : 97)) };
  return {
    type,
    clientId: new Uint8Array(clientId).fill(7),
    maxSize,
    ...(type === 'REQUEST' ? { requested: '10.9.9.9' } : {}),
    ...(type === 'INFORM' ? { ciaddr: '192.0.2.77' } : {}),
    ...(relay === 0 ? {} : { relay: new Uint8Array(relay).fill(9) }),
    options: {
      60: Buffer.from('PXEClient'),
      93: Uint8Array.of(0, 7),
      97: MACHINE_ID,
      ...(name === 0 ? {} : fqdn),
    },
  };
}

/** The last option of the options field. */
function lastCode(bytes: Uint8Array): number {
  let last = 0;
  for (let at = 240; at < bytes.length && bytes[at] !== 255; at += 2 + bytes[at + 1]!) {
    last = bytes[at]!;
  }
  return last;
}

function checkLong(say: Say, { message, bytes }: Heard): void {
  assert.ok(bytes.length >= 300 && bytes.length <= 1472, `${bytes.length} octets`);
  const machineId = optionOf(message, 97);
  if (machineId !== null) assert.deepEqual([...machineId], [...MACHINE_ID]);
  const information = optionOf(message, 82);
  if (information === null) return;
  assert.deepEqual([...information], [...say.relay!]);
  assert.equal(lastCode(bytes), 82);
}

test('however much of its own a client sends, its reply fits a frame and can be read', () => {
  let answered = 0;
  fc.assert(
    fc.property(lengths, (of) => {
      // What does not fit the request is not in it.
      const say = longSay(of);
      for (const reply of new Bed(EVERYTHING).say(say)) {
        answered++;
        checkLong(say, reply);
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(answered > 300);
});
