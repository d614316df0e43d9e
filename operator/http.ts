import type { Server, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { createServer } from '../crds/client/plainhttp.ts';

/** What the operator tells whoever asks. */
export interface Observable {
  /** What keeps it from doing its work, in words; empty when ready. */
  notReady(): readonly string[];
}

/** Serves health, readiness and metrics; rejects with the reason when it cannot listen. */
export async function serveHttp(
  { address, port }: { readonly address: string; readonly port: number },
  operator: Observable,
  registry: Registry,
): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', operator, registry, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // With no address: at all of them, IPv6 or not, as the kernel has it.
    server.listen({ port, ...(address !== '' && { host: address }) }, resolve);
  });
  // It answers as long as the operator runs, and is no reason to run on.
  return server.unref();
}

async function answer(
  path: string,
  operator: Observable,
  registry: Registry,
  response: ServerResponse,
): Promise<void> {
  switch (path.split('?')[0]) {
    case '/healthz':
      response.end('ok\n');
      return;
    case '/readyz': {
      const reasons = operator.notReady();
      response.writeHead(reasons.length === 0 ? 200 : 503);
      response.end(`${reasons.join('\n') || 'ok'}\n`);
      return;
    }
    case '/metrics':
      response.writeHead(200, { 'content-type': registry.contentType });
      response.end(await registry.metrics());
      return;
    default:
      response.writeHead(404);
      response.end('here are /healthz /readyz /metrics\n');
  }
}
