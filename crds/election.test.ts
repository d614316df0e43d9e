import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Random } from '../codec/fuzz.ts';
import {
  Election,
  type ElectionAction,
  type ElectionEvent,
  type ElectionOptions,
  type ElectionRecord,
  UNLIMITED,
} from './election.ts';

const OPTIONS: ElectionOptions = { identity: 'a', duration: 8000, renewWithin: 5000, retry: 2000 };
const OTHER = { holder: 'b', duration: 8000, epoch: 4 };
const NOBODY: ElectionEvent = { kind: 'read', record: null, version: null };

function elected(options = OPTIONS): Election {
  const election = new Election(options);
  election.tick(0);
  election.handle(0, NOBODY);
  assert.deepEqual(election.handle(10, { kind: 'written', version: '1' }), [
    { kind: 'lead', epoch: 1 },
  ]);
  return election;
}

test('the first contender finds no Lease, makes one and holds it', () => {
  const election = new Election(OPTIONS);
  assert.deepEqual(election.tick(0), [{ kind: 'read' }]);
  const record = { holder: 'a', duration: 8000, epoch: 1 };
  assert.deepEqual(election.handle(5, NOBODY), [{ kind: 'write', record, version: null }]);
  assert.equal(election.holds(6), false);
  assert.deepEqual(election.handle(7, { kind: 'written', version: '1' }), [
    { kind: 'lead', epoch: 1 },
  ]);
  assert.equal(election.holds(8), true);
});

test('a holder holds for renewWithin from when it asked, not from when it was answered', () => {
  const election = new Election(OPTIONS);
  election.tick(0);
  election.handle(100, NOBODY);
  election.handle(3000, { kind: 'written', version: '1' });
  assert.equal(election.holds(5099), true);
  assert.equal(election.holds(5100), false);
  assert.deepEqual(election.tick(5100)[0], { kind: 'follow', holder: null });
});

test('an answer that comes after the term is over gives no term', () => {
  const election = new Election(OPTIONS);
  election.tick(0);
  election.handle(0, NOBODY);
  assert.deepEqual(election.handle(5000, { kind: 'written', version: '1' }), []);
  assert.equal(election.holds(5000), false);
});

test('a Lease of another is left alone until it was seen unchanged for its duration', () => {
  const election = new Election(OPTIONS);
  election.tick(0);
  const seen: ElectionEvent = { kind: 'read', record: OTHER, version: '7' };
  assert.deepEqual(election.handle(0, seen), []);
  for (const at of [2000, 4000, 6000]) {
    assert.deepEqual(election.tick(at), [{ kind: 'read' }]);
    assert.deepEqual(election.handle(at, seen), []);
  }
  assert.equal(election.deadline(), 8000);
  election.tick(8000);
  const record = { holder: 'a', duration: 8000, epoch: 5 };
  assert.deepEqual(election.handle(8000, seen), [{ kind: 'write', record, version: '7' }]);
});

test('a Lease that is deleted under its holder is left alone for as long as if it were there', () => {
  const election = new Election(OPTIONS);
  election.tick(0);
  election.handle(0, { kind: 'read', record: OTHER, version: '7' });
  election.tick(2000);
  assert.deepEqual(election.handle(2000, NOBODY), []);
  election.tick(8000);
  const record = { holder: 'a', duration: 8000, epoch: 5 };
  assert.deepEqual(election.handle(8000, NOBODY), [{ kind: 'write', record, version: null }]);
});

test('terms go on from above what is known otherwise', () => {
  const election = new Election({ ...OPTIONS, epochAbove: 6 });
  election.tick(0);
  const record = { holder: 'a', duration: 8000, epoch: 7 };
  assert.deepEqual(election.handle(0, NOBODY), [{ kind: 'write', record, version: null }]);
});

test('a Lease that was given back is taken at once, in a new term', () => {
  const election = new Election(OPTIONS);
  election.tick(0);
  const record = { holder: 'a', duration: 8000, epoch: 5 };
  assert.deepEqual(
    election.handle(0, { kind: 'read', record: { ...OTHER, holder: '' }, version: '7' }),
    [{ kind: 'write', record, version: '7' }],
  );
});

test('a holder that finds another in the Lease stops at once', () => {
  const election = elected();
  election.tick(2010);
  assert.deepEqual(election.handle(2020, { kind: 'failed', conflict: true }), [{ kind: 'read' }]);
  assert.deepEqual(election.handle(2030, { kind: 'read', record: OTHER, version: '7' }), [
    { kind: 'follow', holder: 'b' },
  ]);
  assert.equal(election.holds(2030), false);
});

test('a renewal keeps the term', () => {
  const election = elected();
  const record = { holder: 'a', duration: 8000, epoch: 1 };
  assert.deepEqual(election.tick(2010), [{ kind: 'write', record, version: '1' }]);
  assert.deepEqual(election.handle(2020, { kind: 'written', version: '2' }), []);
  assert.equal(election.holds(7009), true);
});

test('a holder that resigns stops before it says so', () => {
  const election = elected();
  const record = { holder: '', duration: 8000, epoch: 1 };
  assert.deepEqual(election.handle(100, { kind: 'resign' }), [
    { kind: 'follow', holder: null },
    { kind: 'write', record, version: '1' },
  ]);
  assert.equal(election.holds(100), false);
  assert.equal(election.deadline(), null);
});

test('a sole holder holds without renewing, and nobody waits for its Lease to expire', () => {
  const sole = elected({ ...OPTIONS, duration: UNLIMITED });
  assert.equal(sole.holds(1e9), true);
  assert.equal(sole.deadline(), null);
  const other = new Election({ ...OPTIONS, identity: 'b' });
  const record = { holder: 'a', duration: UNLIMITED, epoch: 1 };
  for (const at of [0, 1e6, 1e9]) {
    other.tick(at);
    assert.deepEqual(other.handle(at, { kind: 'read', record, version: '1' }), []);
  }
});

test('a sole holder that gets company may be replaced from when it has asked for that, heard or not', () => {
  const sole = elected({ ...OPTIONS, duration: UNLIMITED });
  const record = { holder: 'a', duration: 8000, epoch: 1 };
  assert.deepEqual(sole.handle(1e6, { kind: 'configure', options: OPTIONS }), [
    { kind: 'write', record, version: '1' },
  ]);
  assert.equal(sole.holds(1e6 + 4999), true);
  assert.equal(sole.holds(1e6 + 5000), false);
});

// A Lease on a server that may be cut off from any contender, answers late, and loses answers to writes it has taken.
class World {
  now = 0;
  record: ElectionRecord | null = null;
  version = 0;
  readonly terms: { identity: string; epoch: number }[] = [];
  readonly contenders: Contender[];
  private readonly chance: () => number;

  constructor(count: number, chance: () => number) {
    this.chance = chance;
    this.contenders = Array.from({ length: count }, (_, i) => new Contender(`c${i}`, chance));
  }

  step(): void {
    this.now += 100;
    for (const one of this.contenders) {
      if (this.chance() < 0.004) one.cutOffUntil = this.now + this.chance() * 20_000;
      if (this.chance() < 0.002) one.pausedUntil = this.now + this.chance() * 20_000;
      if (this.chance() < 0.0005) one.act(this, one.election.handle(this.now, { kind: 'resign' }));
      if (this.chance() < 0.0005) one.restart();
      one.run(this);
    }
    const holders = this.contenders.filter((one) => one.election.holds(this.now));
    assert.ok(holders.length <= 1, `two hold it at ${this.now}`);
  }

  answer(action: ElectionAction): ElectionEvent {
    if (action.kind === 'read') {
      return this.record === null
        ? NOBODY
        : { kind: 'read', record: this.record, version: `${this.version}` };
    }
    assert(action.kind === 'write');
    const current = this.record === null ? null : `${this.version}`;
    if (action.version !== current) return { kind: 'failed', conflict: true };
    this.record = action.record;
    this.version++;
    return { kind: 'written', version: `${this.version}` };
  }
}

class Contender {
  election: Election;
  cutOffUntil = 0;
  pausedUntil = 0;
  private readonly identity: string;
  private readonly chance: () => number;
  private inbox: { at: number; event: ElectionEvent }[] = [];
  private outbox: { at: number; action: ElectionAction; lost: boolean }[] = [];

  constructor(identity: string, chance: () => number) {
    this.identity = identity;
    this.chance = chance;
    this.election = new Election({ ...OPTIONS, identity });
  }

  restart(): void {
    this.election = new Election({ ...OPTIONS, identity: this.identity });
    this.inbox = [];
  }

  run(world: World): void {
    const due = this.outbox.filter(({ at }) => at <= world.now);
    this.outbox = this.outbox.filter(({ at }) => at > world.now);
    for (const { action, lost } of due) {
      const answer = world.answer(action);
      const event: ElectionEvent = lost ? { kind: 'failed', conflict: false } : answer;
      this.inbox.push({ at: world.now + this.chance() * 1500, event });
    }
    // What a paused process does not do, it does late; the server goes on meanwhile.
    if (world.now < this.pausedUntil) return;
    const arrived = this.inbox.filter(({ at }) => at <= world.now);
    this.inbox = this.inbox.filter(({ at }) => at > world.now);
    for (const { event } of arrived) this.act(world, this.election.handle(world.now, event));
    const deadline = this.election.deadline();
    if (deadline !== null && deadline <= world.now) this.act(world, this.election.tick(world.now));
  }

  act(world: World, actions: readonly ElectionAction[]): void {
    for (const action of actions) {
      if (action.kind === 'lead') {
        const last = world.terms.at(-1);
        // One that was late and gets it back, with nobody in between, goes on with its term.
        const least = last?.identity === this.identity ? last.epoch : (last?.epoch ?? 0) + 1;
        assert.ok(action.epoch >= least, 'every term is above those of others before');
        world.terms.push({ identity: this.identity, epoch: action.epoch });
      }
      if (action.kind !== 'read' && action.kind !== 'write') continue;
      if (world.now < this.cutOffUntil) {
        this.inbox.push({ at: world.now + 2000, event: { kind: 'failed', conflict: false } });
        continue;
      }
      const lost = this.chance() < 0.1;
      this.outbox.push({ at: world.now + this.chance() * 1500, action, lost });
    }
  }
}

test('never do two hold it, under delay, loss, partition, pauses and restarts; and somebody soon does again', () => {
  let terms = 0;
  const contenders = fc.integer({ min: 2, max: 4 });
  fc.assert(
    fc.property(contenders, fc.nat(), (count, seed) => {
      const random = new Random(seed);
      const world = new World(count, () => random.below(2 ** 32) / 2 ** 32);
      for (let i = 0; i < 3000; i++) world.step();
      terms += world.terms.length;
    }),
    { numRuns: 25 },
  );
  assert.ok(terms > 100, `only ${terms} terms: nothing was tested`);
});
