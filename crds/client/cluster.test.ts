import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { Cluster, openCluster } from './cluster.ts';
import { ApiServer } from './http.ts';
import { KubeError, type KubeObject } from './kube.ts';
import { CONFIG_MAPS, DHCP_LEASES, NODES } from './resources.ts';

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly type: string | undefined;
  readonly authorization: string | undefined;
  readonly body: string;
}

type Answer = (asked: Asked, response: ServerResponse) => void;

const SILENCE = '/silence';

let server: Server;
let cluster: Cluster;
let asked: Asked[] = [];
let answers: Answer[] = [];
let failures: string[] = [];

before(async () => {
  server = createServer((request, response) => void take(request, response));
  // However long a busy machine takes from one request to the next.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = {
    server: new URL(`http://127.0.0.1:${port}/behind/a/proxy`),
    now: async () => ({ tls: {}, headers: { authorization: 'Bearer secret' } }),
  };
  const trouble = { failed: (error: KubeError) => failures.push(error.reason), threw: () => {} };
  const patience = { first: 5, last: 20 };
  cluster = new Cluster(new ApiServer(credentials), trouble, patience);
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  answers = [];
  failures = [];
});

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const one: Asked = {
    method: request.method ?? '',
    url: new URL(request.url ?? '', 'http://x'),
    type: request.headers['content-type'],
    authorization: request.headers.authorization,
    body: Buffer.concat(chunks).toString(),
  };
  // Who is to wait in vain does, also when it comes late, and takes no answer of others.
  if (one.url.pathname === SILENCE) return;
  asked.push(one);
  const answer = answers.shift();
  if (answer === undefined) response.writeHead(500).end('no answer prepared');
  else answer(one, response);
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return (_, response) => response.writeHead(status, headers).end(JSON.stringify(body));
}

function failing(status: number, reason?: string, headers: Record<string, string> = {}): Answer {
  return json(
    { kind: 'Status', reason, message: `because ${reason}`, code: status },
    status,
    headers,
  );
}

function item(name: string, resourceVersion = '1'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'ns', resourceVersion, uid: name },
  };
}

test('requests go to where the resource is, behind whatever path, with what lets them in', async () => {
  answers = [json(item('a')), json(item('b')), json(item('c'))];
  await cluster.get(CONFIG_MAPS, { namespace: 'ns', name: 'a' });
  await cluster.get(DHCP_LEASES, { namespace: 'ns', name: 'lab-192.0.2.1' });
  await cluster.get(NODES, { name: 'n1' });
  assert.deepEqual(
    asked.map(({ url }) => url.pathname),
    [
      '/behind/a/proxy/api/v1/namespaces/ns/configmaps/a',
      '/behind/a/proxy/apis/dhcp-operator.io/v1alpha1/namespaces/ns/dhcpleases/lab-192.0.2.1',
      '/behind/a/proxy/api/v1/nodes/n1',
    ],
  );
  assert.ok(asked.every(({ authorization }) => authorization === 'Bearer secret'));
});

test('a kubeconfig that cannot be used is named, with the remedy', async () => {
  const trouble = { failed: () => {}, threw: () => {} };
  await assert.rejects(
    openCluster('/nowhere', trouble),
    /^Error: --kubeconfig \/nowhere: ENOENT; name a file/,
  );
});

test('what is not there is null, and deleting it is false', async () => {
  answers = [failing(404, 'NotFound'), failing(404, 'NotFound')];
  assert.equal(await cluster.get(CONFIG_MAPS, { namespace: 'ns', name: 'a' }), null);
  assert.equal(await cluster.delete(CONFIG_MAPS, { namespace: 'ns', name: 'a' }), false);
});

test('every failure has Kubernetes’ word for it, or that of its HTTP status', async () => {
  const rows: [number, string | undefined, string][] = [
    [409, 'Conflict', 'Conflict'],
    [409, 'AlreadyExists', 'AlreadyExists'],
    [410, 'Expired', 'Expired'],
    [403, 'Forbidden', 'Forbidden'],
    [422, 'Invalid', 'Invalid'],
    [429, undefined, 'TooManyRequests'],
    [503, 'ServiceUnavailable', 'InternalError'],
    [504, undefined, 'Timeout'],
  ];
  for (const [status, said, reason] of rows) {
    answers = [failing(status, said, { 'retry-after': '2' })];
    await assert.rejects(cluster.list(CONFIG_MAPS), (error) => {
      assert.ok(error instanceof KubeError);
      assert.deepEqual([error.reason, error.status, error.retryAfter], [reason, status, 2000]);
      return true;
    });
  }
});

test('an answer that is no JSON, or none at all, is a KubeError too', async () => {
  answers = [
    (_, response) => response.writeHead(502).end('<html>'),
    (_, response) => response.destroy(),
  ];
  await assert.rejects(cluster.list(CONFIG_MAPS), { reason: 'InternalError' });
  await assert.rejects(cluster.list(CONFIG_MAPS), { reason: 'Unreachable' });
});

test('lists come by pages, and their items say what they are', async () => {
  const { apiVersion: _, kind: __, ...bare } = item('a');
  answers = [
    json({ items: [bare], metadata: { resourceVersion: '9', continue: 'more' } }),
    json({ items: [bare], metadata: { resourceVersion: '9' } }),
  ];
  const found = await cluster.list(CONFIG_MAPS, { namespace: 'ns', labels: 'a=b', fields: 'c=d' });
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ['ConfigMap', 'ConfigMap'],
  );
  assert.deepEqual(
    asked.map(({ url }) => url.searchParams.get('continue')),
    [null, 'more'],
  );
  assert.equal(asked[0]!.url.searchParams.get('labelSelector'), 'a=b');
  assert.equal(asked[0]!.url.searchParams.get('fieldSelector'), 'c=d');
});

test('apply is server-side apply, in our name', async () => {
  answers = [json(item('a')), json(item('a'))];
  const object = { metadata: { namespace: 'ns', name: 'a' }, data: { x: '1' } };
  await cluster.apply(CONFIG_MAPS, object, { fieldManager: 'me', force: true });
  await cluster.apply(CONFIG_MAPS, object, { fieldManager: 'me', subresource: 'status' });
  const [first, second] = asked;
  assert.equal(first!.method, 'PATCH');
  assert.equal(first!.type, 'application/apply-patch+yaml');
  assert.equal(first!.url.search, '?fieldManager=me&force=true');
  assert.deepEqual(JSON.parse(first!.body), { apiVersion: 'v1', kind: 'ConfigMap', ...object });
  assert.match(second!.url.pathname, /configmaps\/a\/status$/);
});

test('a deletion says what must still be so', async () => {
  answers = [json({})];
  await cluster.delete(
    CONFIG_MAPS,
    { namespace: 'ns', name: 'a' },
    { uid: 'u', resourceVersion: '4' },
  );
  const { preconditions, propagationPolicy } = JSON.parse(asked[0]!.body);
  assert.deepEqual(preconditions, { uid: 'u', resourceVersion: '4' });
  assert.equal(propagationPolicy, 'Background');
});

test('a watch survives lines in pieces, an HTTP 500, an ERROR event and a cut', async () => {
  const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
  const added = line('ADDED', item('b', '11'));
  answers = [
    json({ items: [item('a', '10')], metadata: { resourceVersion: '10' } }),
    (_, response) => {
      response.write(added.slice(0, 20));
      setTimeout(() => response.write(added.slice(20)), 5);
      setTimeout(() => response.destroy(), 30);
    },
    failing(500),
    (_, response) =>
      response.end(
        line('BOOKMARK', { metadata: { resourceVersion: '50' } }) +
          line('MODIFIED', item('a', '51')),
      ),
    (_, response) =>
      response.end(line('ERROR', { code: 410, reason: 'Expired', message: 'too old' })),
    json({ items: [item('c', '60')], metadata: { resourceVersion: '60' } }),
    (_, response) => response.write(line('DELETED', item('c', '61'))),
  ];
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    const following = cluster.follow(CONFIG_MAPS, { namespace: 'ns' }, ({ kind, object }) => {
      told.push(`${kind} ${object.metadata.name}`);
      if (kind === 'deleted' && object.metadata.name === 'c') {
        following.close();
        resolve();
      }
    });
  });
  assert.deepEqual(told, [
    'added a',
    'added b',
    'changed a',
    'deleted a',
    'deleted b',
    'added c',
    'deleted c',
  ]);
  const from = asked
    .map(({ url }) => url.searchParams.get('resourceVersion'))
    .filter((one) => one !== null);
  assert.deepEqual(from, ['10', '11', '11', '51', '60']);
  assert.ok(failures.includes('InternalError'));
});

test('who waits for an answer in vain says so in words', async () => {
  const { port } = server.address() as AddressInfo;
  const api = new ApiServer({
    server: new URL(`http://127.0.0.1:${port}`),
    now: async () => ({ tls: {}, headers: {} }),
  });
  const nothing = (): void => assert.fail('nothing came');
  await assert.rejects(
    api.lines({ method: 'GET', path: SILENCE }, nothing, nothing, AbortSignal.timeout(20)),
    new KubeError('Timeout', 'no answer in time'),
  );
});

test('a page that something before the API server answers with is a failure, not a crash', async () => {
  const page: Answer = (_, response) => response.end('<html>Sign in</html>');
  answers = [page, page];
  const wanted = new KubeError('InternalError', 'the answer is no JSON');
  await assert.rejects(cluster.get(CONFIG_MAPS, { namespace: 'ns', name: 'a' }), wanted);
  await assert.rejects(cluster.list(CONFIG_MAPS), wanted);
});

test('a watch whose lines are no events fails, and is tried again', async () => {
  const list = json({ items: [], metadata: { resourceVersion: '10' } });
  const line =
    (text: string): Answer =>
    (_, response) => {
      response.writeHead(200).write(`${text}\n`);
    };
  const nonsense = ['null', '7', '{}', '{"type":"ADDED"}', '{"type":"ADDED","object":{}}', '{'];
  answers = [
    list,
    ...nonsense.map(line),
    line(JSON.stringify({ type: 'ADDED', object: item('a') })),
  ];
  const name = await new Promise<string>((resolve) => {
    const following = cluster.follow(CONFIG_MAPS, { namespace: 'ns' }, ({ object }) => {
      following.close();
      resolve(object.metadata.name);
    });
  });
  assert.equal(name, 'a');
  assert.equal(failures.length, nonsense.length);
});

for (const [header, want] of [
  ['7', 7_000],
  ['0.5', 500],
  ['60', 60_000],
  ['3600', 60_000],
  ['99999999999', 60_000],
  ['Infinity', 60_000],
  ['0', null],
  ['-5', null],
  ['Fri, 31 Dec 2027 23:59:59 GMT', null],
] as const) {
  test(`Retry-After: ${header} asks for ${want === null ? 'nothing' : `${want} ms`}`, async () => {
    answers = [failing(429, 'TooManyRequests', { 'retry-after': header })];
    await assert.rejects(cluster.get(CONFIG_MAPS, { namespace: 'ns', name: 'a' }), {
      reason: 'TooManyRequests',
      retryAfter: want,
    });
  });
}
