import { lstatSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapSnapshot } from 'node:v8';
import type { Registry } from 'prom-client';
import { createServer } from '../crds/client/plainhttp.ts';

/** What the agent tells whoever asks. */
export interface Observable {
  /** What keeps it from doing its work, in words; empty when ready. */
  notReady(): readonly string[];
  /** For people and scripts: what runs, where, since when. */
  status(): object;
}

/** What to say. */
export interface Answers {
  readonly agent: Observable;
  readonly registry: Registry;
  /** Whether /debug/ answers: it slows the process down and shows its memory. */
  readonly debug: boolean;
}

/** Where to listen for whom the network lets through. */
export interface HttpOptions extends Answers {
  readonly address: string;
  readonly port: number;
}

/** Where to listen for commands. */
export interface SocketOptions extends Answers {
  /** Of a socket; one that nobody listens on any more is replaced. */
  readonly path: string;
  readonly door: AdminDoor;
}

/** What is open only to who may use the socket. */
export interface AdminDoor {
  /** False when the request is for none of its paths. */
  answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean>;
}

const PROFILE_SECONDS_MAX = 120;

/** Serves health, readiness, status and metrics; rejects with the reason when it cannot listen. */
export async function serveHttp(options: HttpOptions): Promise<Server> {
  const server = serverOf(options, null);
  await listening(server, () => server.listen(options.port, options.address));
  return server;
}

/**
 * Serves the same and the commands on a socket that its owner alone may use; rejects likewise, with EADDRINUSE when
 * another process listens there. Closing the server removes the socket.
 */
export async function serveSocket(options: SocketOptions): Promise<Server> {
  const { path, door } = options;
  await removeStale(path);
  const server = serverOf(options, door);
  await listening(server, () => {
    // Nobody else can get in even for a moment: the socket is made before `listen` returns.
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  });
  return server;
}

function serverOf(answers: Answers, door: AdminDoor | null): Server {
  return createServer((request, response) => {
    answer(answers, door, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, 500, `${error}\n`);
    });
  });
}

async function listening(server: Server, listen: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
    listen();
  });
}

// A process that was killed leaves its socket behind.
async function removeStale(path: string): Promise<void> {
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('EADDRINUSE');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  if (code === 'ECONNREFUSED' && lstatSync(path).isSocket()) rmSync(path, { force: true });
}

/** `127.0.0.1:9067`, for the log: the port may have been chosen by the system. */
export function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

async function answer(
  { agent, registry, debug }: Answers,
  door: AdminDoor | null,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://agent');
  if (door !== null && (await door.answer(request, response, url))) return;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, 'only GET\n');
    return;
  }
  switch (url.pathname) {
    case '/healthz':
      send(response, 200, 'ok\n');
      return;
    case '/readyz': {
      const reasons = agent.notReady();
      send(response, reasons.length === 0 ? 200 : 503, `${reasons.join('\n') || 'ok'}\n`);
      return;
    }
    case '/status':
      send(response, 200, `${JSON.stringify(agent.status(), null, 2)}\n`, 'application/json');
      return;
    case '/metrics':
      send(response, 200, await registry.metrics(), registry.contentType);
      return;
    case '/debug/profile':
      if (debug) return profile(url, response);
      break;
    case '/debug/heap':
      if (debug) return heap(response);
      break;
  }
  const hint = url.pathname.startsWith('/debug/') ? 'start the agent with --debug' : PATHS;
  send(response, 404, `${hint}\n`);
}

const PATHS = 'here are /healthz /readyz /status /metrics';

async function profile(url: URL, response: ServerResponse): Promise<void> {
  const seconds = Number(url.searchParams.get('seconds') ?? 10);
  if (!(seconds > 0 && seconds <= PROFILE_SECONDS_MAX)) {
    send(response, 400, `seconds must be above 0 and at most ${PROFILE_SECONDS_MAX}\n`);
    return;
  }
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await sleep(seconds * 1000);
    const result = await session.post('Profiler.stop');
    response.setHeader('content-disposition', 'attachment; filename="agent.cpuprofile"');
    send(response, 200, JSON.stringify(result.profile), 'application/json');
  } finally {
    session.disconnect();
  }
}

async function heap(response: ServerResponse): Promise<void> {
  response.setHeader('content-disposition', 'attachment; filename="agent.heapsnapshot"');
  response.writeHead(200, { 'content-type': 'application/json' });
  for await (const chunk of getHeapSnapshot()) response.write(chunk);
  response.end();
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type });
  response.end(body);
}
