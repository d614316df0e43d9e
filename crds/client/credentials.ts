import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Millis } from '../../codec/machine.ts';
import { KubeError } from './kube.ts';

/** Where an API server is, and how to be let in. */
export interface Credentials {
  readonly server: URL;
  /** For each request anew: tokens change while a process runs. Rejects with KubeError. */
  now(): Promise<{ readonly tls: Tls; readonly headers: Readonly<Record<string, string>> }>;
}

/** What a TLS connection is made with. */
export interface Tls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet replaces a token when a fifth of its time is left, which is minutes at least. */
const TOKEN_AGE_MAX: Millis = 60_000;

/**
 * The credentials that a kubeconfig names; without one, those of the pod's service account, else what kubectl would use.
 * Throws an Error of one line.
 */
export async function findCredentials(kubeconfig: string | null): Promise<Credentials> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  const pod = kubeconfig === null && host !== undefined && existsSync(SERVICE_ACCOUNT);
  return pod ? podCredentials(host, port ?? '443') : kubeconfigCredentials(kubeconfig);
}

// By hand, because an agent on every node pays for client-node with 80 MB, and needs three files of it.
function podCredentials(host: string, port: string): Credentials {
  const name = host.includes(':') ? `[${host}]` : host;
  let token = '';
  let readAt: Millis = Number.NEGATIVE_INFINITY;
  return {
    server: new URL(`https://${name}:${port}`),
    async now() {
      try {
        if (performance.now() - readAt > TOKEN_AGE_MAX) {
          token = readFileSync(join(SERVICE_ACCOUNT, 'token'), 'utf8').trim();
          readAt = performance.now();
        }
        const ca = readFileSync(join(SERVICE_ACCOUNT, 'ca.crt'), 'utf8');
        return { tls: { ca }, headers: { authorization: `Bearer ${token}` } };
      } catch (error) {
        throw new KubeError('Unauthorized', `no service account: ${(error as Error).message}`);
      }
    },
  };
}

// Kubeconfigs have a dozen ways to let somebody in, and client-node knows them.
async function kubeconfigCredentials(file: string | null): Promise<Credentials> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  const name = file === null ? 'the kubeconfig' : `--kubeconfig ${file}`;
  try {
    if (file === null) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(
      `${name}: ${code ?? message.split('\n')[0]}; name a file that kubectl works with`,
    );
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new Error(`${name} has no current cluster: set current-context in it`);
  return {
    server: new URL(cluster.server),
    async now() {
      const options: Parameters<typeof config.applyToHTTPSOptions>[0] = {};
      try {
        await config.applyToHTTPSOptions(options);
      } catch (error) {
        throw new KubeError('Unauthorized', `no credentials: ${(error as Error).message}`);
      }
      const { ca, cert, key, servername, rejectUnauthorized, auth, headers } = options;
      const basic =
        auth == null ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` };
      const tls = known({ ca, cert, key, servername, rejectUnauthorized }) as Tls;
      return { tls, headers: { ...(headers as Record<string, string>), ...basic } };
    },
  };
}

function known(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
