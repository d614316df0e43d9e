import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Counter, Registry } from 'prom-client';
import { type AdminDoor, addressOf, type SocketOptions, serveHttp, serveSocket } from './http.ts';

const registry = new Registry();
new Counter({ name: 'packets_total', help: 'h', registers: [registry] }).inc(3);
let reasons: string[] = [];
let server: Server;
let base = '';

before(async () => {
  const agent = { notReady: () => reasons, status: () => ({ node: 'n' }) };
  server = await serveHttp({ address: '127.0.0.1', port: 0, agent, registry, debug: true });
  base = `http://${addressOf(server)}`;
});
after(() => server.close());

async function get(path: string): Promise<[number, string]> {
  const response = await fetch(base + path);
  return [response.status, await response.text()];
}

test('/healthz answers as long as the process turns', async () => {
  assert.deepEqual(await get('/healthz'), [200, 'ok\n']);
});

test('/readyz says what keeps it from being ready', async () => {
  assert.deepEqual(await get('/readyz'), [200, 'ok\n']);
  reasons = ['dhcp.example does not resolve'];
  assert.deepEqual(await get('/readyz'), [503, 'dhcp.example does not resolve\n']);
  reasons = [];
});

test('/status is JSON', async () => {
  assert.deepEqual(JSON.parse((await get('/status'))[1]), { node: 'n' });
});

test('/metrics is the Prometheus text format', async () => {
  assert.match((await get('/metrics'))[1], /^packets_total 3$/m);
});

test('/debug/profile returns a CPU profile of the seconds asked for', async () => {
  const [status, text] = await get('/debug/profile?seconds=0.05');
  assert.equal(status, 200);
  assert.ok((JSON.parse(text) as { nodes: unknown[] }).nodes.length > 0);
});

for (const seconds of ['0', '-1', 'soon', '1000']) {
  test(`/debug/profile refuses seconds=${seconds}`, async () => {
    assert.equal((await get(`/debug/profile?seconds=${seconds}`))[0], 400);
  });
}

test('/debug/heap returns a heap snapshot', async () => {
  const [status, text] = await get('/debug/heap');
  assert.equal(status, 200);
  assert.ok(text.startsWith('{"snapshot"'));
});

test('another path is told what there is, another method that it is not taken', async () => {
  assert.deepEqual(await get('/leases?'), [404, 'here are /healthz /readyz /status /metrics\n']);
  assert.equal((await fetch(`${base}/healthz`, { method: 'POST' })).status, 405);
});

test('/debug is off unless asked for, and says how to get it', async () => {
  const agent = { notReady: () => [], status: () => ({}) };
  const quiet = await serveHttp({ address: '127.0.0.1', port: 0, agent, registry, debug: false });
  const response = await fetch(`http://${addressOf(quiet)}/debug/heap`);
  assert.deepEqual(
    [response.status, await response.text()],
    [404, 'start the agent with --debug\n'],
  );
  quiet.close();
});

test('an address in use is an error with its code', async () => {
  const port = Number(base.split(':').at(-1));
  const agent = { notReady: () => [], status: () => ({}) };
  await assert.rejects(serveHttp({ address: '127.0.0.1', port, agent, registry, debug: false }), {
    code: 'EADDRINUSE',
  });
});

const DOOR: AdminDoor = {
  answer: async ({ method }, response, url) => {
    if (url.pathname !== '/leases/release' || method !== 'POST') return false;
    response.end('released');
    return true;
  },
};

function socketIn(folder: string): SocketOptions {
  const agent = { notReady: () => [], status: () => ({}) };
  return { path: join(folder, 'agent.sock'), door: DOOR, agent, registry, debug: false };
}

function ask(path: string, method: string, route: string): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    request({ socketPath: path, method, path: route, agent: false }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve([response.statusCode ?? 0, text]);
    })
      .once('error', reject)
      .end();
  });
}

test('commands are taken on a socket that its owner alone may use, and not over the network', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'door-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const options = socketIn(folder);
  const before = process.umask();
  const socket = await serveSocket(options);
  assert.equal(lstatSync(options.path).mode & 0o777, 0o600);
  assert.equal(process.umask(), before);
  assert.deepEqual(await ask(options.path, 'POST', '/leases/release'), [200, 'released']);
  assert.deepEqual(await ask(options.path, 'GET', '/healthz'), [200, 'ok\n']);
  assert.equal((await fetch(`${base}/leases/release`, { method: 'POST' })).status, 405);
  assert.equal((await get('/leases'))[0], 404);
  // Another agent with the same state is told so, and the first goes on.
  await assert.rejects(serveSocket(options), { code: 'EADDRINUSE' });
  assert.deepEqual(await ask(options.path, 'GET', '/healthz'), [200, 'ok\n']);
  await new Promise((resolve) => socket.close(resolve));
  assert.equal(existsSync(options.path), false);
});

test('the socket of an agent that was killed is replaced, and nothing else is', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'door-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const options = socketIn(folder);
  const killed = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(options.path)}, () => console.log('up'))`,
  ]);
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  assert.ok(existsSync(options.path));
  const socket = await serveSocket(options);
  assert.deepEqual(await ask(options.path, 'GET', '/healthz'), [200, 'ok\n']);
  await new Promise((resolve) => socket.close(resolve));
  writeFileSync(options.path, 'mine');
  await assert.rejects(serveSocket(options), { code: 'EADDRINUSE' });
  assert.ok(lstatSync(options.path).isFile());
});
