import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Change, KubeError, type KubeObject } from './kube.ts';
import { Follower, type Patience, type Source, type WatchEvent } from './supervise.ts';

const PATIENCE: Patience = {
  first: 5,
  last: 40,
  silence: 60_000,
  random: () => 0.5,
  now: () => performance.now(),
};

function thing(name: string, resourceVersion: string, uid = name): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name, namespace: 'ns', uid, resourceVersion },
  };
}

interface Watching {
  readonly from: string;
  readonly emit: (event: WatchEvent<KubeObject>) => void;
  readonly end: () => void;
  readonly fail: (error: KubeError) => void;
}

/** A server that does what a test tells it to. */
class Server implements Source<KubeObject> {
  lists = 0;
  items: readonly KubeObject[] = [];
  version = '1';
  failures: KubeError[] = [];
  readonly watches: Watching[] = [];
  private waiting: (() => void)[] = [];

  async list(): Promise<{ items: readonly KubeObject[]; version: string }> {
    this.lists++;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    return { items: this.items, version: this.version };
  }

  watch(from: string, emit: Watching['emit'], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = reject;
      this.watches.push({ from, emit, end: resolve, fail });
      for (const wake of this.waiting.splice(0)) wake();
      signal.addEventListener('abort', () => reject(new KubeError('Timeout', 'aborted')));
    });
  }

  /** The nth watch, from 0, once it is there. */
  async watchNumber(n: number): Promise<Watching> {
    while (this.watches[n] === undefined)
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.watches[n];
  }
}

interface Bench {
  readonly server: Server;
  readonly follower: Follower<KubeObject>;
  readonly told: string[];
  readonly failed: string[];
  readonly thrown: unknown[];
}

function follow(
  server: Server,
  patience: Partial<Patience> = {},
  onChange: (change: Change<KubeObject>) => void = () => {},
): Bench {
  const bench = { told: [] as string[], failed: [] as string[], thrown: [] as unknown[] };
  const follower = new Follower(
    server,
    (change) => {
      bench.told.push(`${change.kind} ${change.object.metadata.name}`);
      onChange(change);
    },
    { ...PATIENCE, ...patience },
    {
      failed: ({ reason }) => bench.failed.push(reason),
      threw: (error) => bench.thrown.push(error),
    },
  );
  return { server, follower, ...bench };
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !what(); i++) await sleep(1);
  assert.ok(what(), `waited for ${what}`);
}

test('what is there is listed, and watched from the version of the list', async () => {
  const server = new Server();
  server.items = [thing('a', '5'), thing('b', '6')];
  server.version = '7';
  const { follower, told } = follow(server);
  await follower.ready;
  assert.deepEqual(told, ['added a', 'added b']);
  assert.equal((await server.watchNumber(0)).from, '7');
  assert.deepEqual([...follower.objects.keys()], ['ns/a', 'ns/b']);
  follower.close();
});

test('events are taken in, and a bookmark moves on where a watch resumes', async () => {
  const server = new Server();
  const { follower, told } = follow(server);
  const first = await server.watchNumber(0);
  first.emit({ kind: 'added', object: thing('a', '2') });
  first.emit({ kind: 'changed', object: thing('a', '3') });
  first.emit({ kind: 'deleted', object: thing('a', '4') });
  first.emit({ kind: 'bookmark', version: '99' });
  first.end();
  assert.equal((await server.watchNumber(1)).from, '99');
  assert.deepEqual(told, ['added a', 'changed a', 'deleted a']);
  assert.equal(server.lists, 1);
  follower.close();
});

test('a list that fails with HTTP 500 is tried again until it succeeds', async () => {
  const server = new Server();
  server.failures = Array.from(
    { length: 5 },
    () => new KubeError('InternalError', 'HTTP status 500', 500),
  );
  const { follower, failed } = follow(server);
  await follower.ready;
  assert.deepEqual(failed, Array(5).fill('InternalError'));
  follower.close();
});

test('a watch that is cut goes on where it was, without a new list', async () => {
  const server = new Server();
  const { follower, failed } = follow(server);
  const first = await server.watchNumber(0);
  first.emit({ kind: 'added', object: thing('a', '12') });
  first.fail(new KubeError('Unreachable', 'ECONNRESET'));
  assert.equal((await server.watchNumber(1)).from, '12');
  assert.equal(server.lists, 1);
  assert.deepEqual(failed, ['Unreachable']);
  follower.close();
});

test('watches that live for a while before they are cut are soon opened again, though nothing happens', async () => {
  const server = new Server();
  let now = 0;
  const { follower } = follow(server, { first: 20, last: 60_000, now: () => now });
  for (let i = 0; i < 12; i++) {
    const watching = await server.watchNumber(i);
    watching.emit({ kind: 'opened' });
    now += 50_000;
    watching.fail(new KubeError('InternalError', 'a proxy has had enough'));
  }
  await server.watchNumber(12);
  follower.close();
});

test('watches that are cut as soon as they are open are opened later and later', async () => {
  const server = new Server();
  const { follower } = follow(server, { first: 20, last: 60_000 });
  const began = performance.now();
  for (let i = 0; i < 4; i++) {
    const watching = await server.watchNumber(i);
    watching.emit({ kind: 'opened' });
    watching.fail(new KubeError('InternalError', 'no'));
  }
  await server.watchNumber(4);
  // Three quarters of 20, 40, 80 and 160 ms.
  assert.ok(performance.now() - began >= 220);
  follower.close();
});

test('after 410 Gone a new list tells only what differs', async () => {
  const server = new Server();
  server.items = [
    thing('same', '2'),
    thing('changed', '3'),
    thing('gone', '4'),
    thing('replaced', '5', 'old'),
  ];
  const { follower, told } = follow(server);
  const first = await server.watchNumber(0);
  told.length = 0;
  server.items = [
    thing('same', '2'),
    thing('changed', '30'),
    thing('new', '31'),
    thing('replaced', '32', 'new'),
  ];
  first.fail(new KubeError('Expired', 'too old resource version', 410));
  await server.watchNumber(1);
  assert.deepEqual(told, [
    'deleted gone',
    'changed changed',
    'added new',
    'deleted replaced',
    'added replaced',
  ]);
  follower.close();
});

test('a watch on which nothing comes, not even a bookmark, is taken for dead', async () => {
  const server = new Server();
  const { follower, failed } = follow(server, { silence: 20 });
  await server.watchNumber(1);
  assert.equal(failed[0], 'Timeout');
  follower.close();
});

test('a throw of whoever is told is reported, and nothing is lost', async () => {
  const server = new Server();
  server.items = [thing('a', '1'), thing('b', '2')];
  const { follower, thrown, told } = follow(server, {}, ({ object }) => {
    if (object.metadata.name === 'a') throw new Error('our bug');
  });
  await follower.ready;
  assert.equal(thrown.length, 1);
  assert.deepEqual(told, ['added a', 'added b']);
  follower.close();
});

test('who is asked to wait by 429 waits', async () => {
  const server = new Server();
  server.failures = [new KubeError('TooManyRequests', 'slow down', 429, 80)];
  const started = performance.now();
  const { follower } = follow(server);
  await follower.ready;
  assert.ok(performance.now() - started >= 79);
  follower.close();
});

test('a server that ends every watch at once is not asked without a pause', async () => {
  const server = new Server();
  const { follower } = follow(server, { first: 50 });
  for (let i = 0; i < 3; i++) (await server.watchNumber(i)).end();
  await sleep(40);
  assert.equal(server.watches.length, 3);
  follower.close();
});

test('staleness is 0 while a watch is open, grows without one, and is endless before the first list', async () => {
  const server = new Server();
  let now = 1_000;
  server.failures = [new KubeError('Unreachable', 'no route')];
  const { follower } = follow(server, { now: () => now });
  assert.equal(follower.staleness(), Number.POSITIVE_INFINITY);
  const watching = await server.watchNumber(0);
  assert.equal(follower.staleness(), 0);
  now = 5_000;
  watching.emit({ kind: 'bookmark', version: '2' });
  now = 9_000;
  watching.fail(new KubeError('Unreachable', 'ECONNRESET'));
  await until(() => follower.staleness() === 4_000);
  follower.close();
});

test('closed, it tells nothing more', async () => {
  const server = new Server();
  const { follower, told } = follow(server);
  const watching = await server.watchNumber(0);
  follower.close();
  watching.emit({ kind: 'added', object: thing('late', '2') });
  await sleep(5);
  assert.deepEqual(told, []);
  assert.equal(server.watches.length, 1);
});
