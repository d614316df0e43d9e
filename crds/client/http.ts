import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import type { Millis } from '../../codec/machine.ts';
import type { Credentials, Tls } from './credentials.ts';
import { KubeError, type KubeFailure } from './kube.ts';
import { request as plainRequest } from './plainhttp.ts';

/** One request to the API server. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** For all of a request, and for the first answer to a watch. */
const TIMEOUT: Millis = 15_000;
/** Longer than an idle connection lives at any load balancer would be too long. */
const KEEP_ALIVE: Millis = 30_000;
/** Nobody is left alone for longer, whatever the answer says: beyond 2³¹ ms a timer would fire at once. */
const RETRY_AFTER_MAX: Millis = 60_000;
/** What a line of a watch may have: the largest object and some. */
const LINE_MAX = 8 * 1024 * 1024;

/** Speaks HTTP with an API server. */
export class ApiServer {
  /** Requests made, watches included. */
  calls = 0;
  private readonly credentials: Credentials;
  private agent: Agent | null = null;
  private agentOf = '';

  constructor(credentials: Credentials) {
    this.credentials = credentials;
  }

  /** Resolves with the object in the answer; rejects with KubeError. */
  async call(call: Call): Promise<unknown> {
    const response = await this.open(call, AbortSignal.timeout(TIMEOUT));
    const text = await read(response);
    if ((response.statusCode ?? 0) >= 300) throw failure(response, text);
    return text === '' ? null : parsed(text);
  }

  /** Calls back when an answer begins that goes on, and with each line of it; resolves when the server ends it. */
  async lines(
    call: Call,
    onOpen: () => void,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const first = new AbortController();
    const timer = setTimeout(() => first.abort(), TIMEOUT);
    const response = await this.open(call, AbortSignal.any([signal, first.signal])).finally(() =>
      clearTimeout(timer),
    );
    if ((response.statusCode ?? 0) >= 300) throw failure(response, await read(response));
    onOpen();
    await eachLine(response, onLine);
  }

  private async open(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    this.calls++;
    const { server } = this.credentials;
    const body = call.body === undefined ? null : Buffer.from(JSON.stringify(call.body));
    const options: RequestOptions = {
      ...(await this.options(call)),
      path: `${server.pathname.replace(/\/$/, '')}${call.path}${queryOf(call)}`,
    };
    return new Promise((resolve, reject) => {
      const open = server.protocol === 'https:' ? request : plainRequest;
      const sent: ClientRequest = open(server, options, resolve);
      // Not by the option that http has for it: what that throws after an answer has come, nobody can catch.
      const abort = (): void => {
        this.distrust();
        reject(new KubeError('Timeout', 'no answer in time'));
        sent.destroy();
      };
      signal.addEventListener('abort', abort);
      sent.once('close', () => signal.removeEventListener('abort', abort));
      sent.on('error', (error) => reject(unreachable(error)));
      if (signal.aborted) abort();
      // A DELETE with a body needs to be told how long it is.
      if (body !== null) sent.setHeader('content-length', body.length);
      sent.end(body);
    });
  }

  private async options({ method, body, contentType }: Call): Promise<RequestOptions> {
    const { tls, headers } = await this.credentials.now();
    const content = body === undefined ? {} : { 'content-type': contentType ?? 'application/json' };
    return {
      ...(this.credentials.server.protocol === 'https:' ? { agent: this.agentFor(tls) } : {}),
      method,
      headers: { ...headers, accept: 'application/json', ...content },
    };
  }

  // What has swallowed a request without a word would swallow the next ones on every connection that is kept.
  private distrust(): void {
    for (const idle of Object.values(this.agent?.freeSockets ?? {}))
      for (const socket of idle ?? []) socket.destroy();
  }

  // Connections are kept for as long as the certificates stay the same.
  private agentFor(tls: Tls): Agent {
    const identity = Object.values(tls).map(String).join('\n');
    if (this.agent === null || this.agentOf !== identity) {
      this.agent?.destroy();
      this.agentOf = identity;
      this.agent = new Agent({ ...tls, keepAlive: true, keepAliveMsecs: KEEP_ALIVE });
    }
    return this.agent;
  }
}

// What stands before an API server may answer in its place, in HTML and with status 200.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KubeError('InternalError', 'the answer is no JSON');
  }
}

function queryOf({ query = {} }: Call): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined) parameters.set(key, String(value));
  return parameters.size === 0 ? '' : `?${parameters}`;
}

function read(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    whenCut(response, reject);
  });
}

function eachLine(response: IncomingMessage, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer): void => {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        rest.push(chunk.subarray(start, end));
        const line = Buffer.concat(rest).toString('utf8');
        rest = [];
        length = 0;
        start = end + 1;
        if (line !== '') onLine(line);
      }
      rest.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > LINE_MAX) throw new Error('a line without end');
    };
    response.on('data', (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (error) {
        response.destroy(error as Error);
      }
    });
    response.once('end', resolve);
    whenCut(response, reject);
  });
}

// After the end neither says anything new.
function whenCut(response: IncomingMessage, reject: (error: KubeError) => void): void {
  response.on('error', (error) => reject(unreachable(error)));
  response.once('close', () => reject(new KubeError('Unreachable', 'the connection was cut')));
}

function unreachable(error: Error): KubeError {
  const { code } = error as NodeJS.ErrnoException;
  return new KubeError('Unreachable', code ?? error.message);
}

const FAILURES: ReadonlySet<string> = new Set<KubeFailure>([
  'NotFound',
  'AlreadyExists',
  'Conflict',
  'Expired',
  'Invalid',
  'Forbidden',
  'Unauthorized',
  'TooManyRequests',
  'Timeout',
  'InternalError',
]);
const BY_STATUS: ReadonlyMap<number, KubeFailure> = new Map([
  [400, 'Invalid'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  [409, 'Conflict'],
  [410, 'Expired'],
  [422, 'Invalid'],
  [429, 'TooManyRequests'],
  [504, 'Timeout'],
]);

/** The KubeError of an HTTP status and, where there is one, Kubernetes' own words for it. */
export function failureOf(
  status: number,
  said: { readonly reason?: string; readonly message?: string } | null,
  retryAfter: Millis | null = null,
): KubeError {
  const byStatus = BY_STATUS.get(status) ?? 'InternalError';
  const reason = FAILURES.has(said?.reason ?? '') ? (said!.reason as KubeFailure) : byStatus;
  return new KubeError(reason, said?.message ?? `HTTP status ${status}`, status, retryAfter);
}

function failure({ statusCode = 0, headers }: IncomingMessage, text: string): KubeError {
  const seconds = Number(headers['retry-after']);
  const retryAfter = seconds > 0 ? Math.min(seconds * 1000, RETRY_AFTER_MAX) : null;
  try {
    return failureOf(statusCode, JSON.parse(text) as { reason?: string }, retryAfter);
  } catch {
    return failureOf(statusCode, null, retryAfter);
  }
}
