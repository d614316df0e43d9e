import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { request } from '../../crds/client/plainhttp.ts';

/** Where the agent whose state lies in this folder takes commands. */
export function socketPath(stateDir: string): string {
  return join(stateDir, 'agent.sock');
}

/** Nobody takes commands there. */
export class NoAgentError extends Error {}

/** The agent has an answer that is no success; the message is one line. */
export class RefusedError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What an agent says to a request, all of it; throws NoAgentError, RefusedError, and Error of one line. */
export async function ask(
  socket: string,
  method: 'GET' | 'POST',
  path: string,
  parameters: URLSearchParams,
): Promise<string> {
  let text = '';
  for await (const chunk of await open(socket, method, path, parameters)) text += chunk;
  return text;
}

/** The lines of an answer as they come; throws like `ask`, and when the agent goes before its answer is whole. */
export async function* lines(
  socket: string,
  path: string,
  parameters: URLSearchParams,
): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of await open(socket, 'GET', path, parameters)) {
    const found = (rest + chunk).split('\n');
    rest = found.pop()!;
    yield* found;
  }
}

async function open(
  socket: string,
  method: string,
  path: string,
  parameters: URLSearchParams,
): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(
      { socketPath: socket, method, path: `${path}?${parameters}`, agent: false },
      resolve,
    );
    sent.once('error', (error: NodeJS.ErrnoException) => reject(reasonFor(error, socket)));
    sent.end();
  });
  response.setEncoding('utf8');
  if (response.statusCode === 200) return response;
  let reason = '';
  for await (const chunk of response) reason += chunk;
  throw new RefusedError(response.statusCode ?? 0, reason.trimEnd());
}

function reasonFor(error: NodeJS.ErrnoException, socket: string): Error {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return new NoAgentError(`no agent answers at ${socket}`);
    case 'EACCES':
    case 'EPERM':
      return new Error(
        `${socket} is not yours to use: be root, or the user that the agent runs as`,
      );
    default:
      return new Error(`${socket}: ${error.code ?? error.message}`);
  }
}
