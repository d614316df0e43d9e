import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { WallMillis } from '../codec/machine.ts';
import { openCluster } from '../crds/client/cluster.ts';
import { Contender } from '../crds/client/elect.ts';
import type { KubeError } from '../crds/client/kube.ts';
import { HELP, type OperatorCommand, parseCommand, UsageError } from './cli.ts';
import { Controller } from './controller.ts';
import { MANAGER } from './core/names.ts';
import { serveHttp } from './http.ts';
import { operatorRegistry } from './metrics.ts';

/** Exit status of a command line that cannot be followed (sysexits.h EX_USAGE). */
const EXIT_USAGE = 64;
/** As other controllers do: an upgrade takes over at once, since the old leader gives its Lease back. */
const ELECTION = { duration: 15_000, renewWithin: 10_000, retry: 2_000 } as const;

async function main(argv: readonly string[]): Promise<number> {
  const command = parseCommand(argv, process.env);
  switch (command.kind) {
    case 'help':
      console.log(HELP);
      return 0;
    case 'version':
      console.log(`dhcp-operator ${version()} (Node ${process.version})`);
      return 0;
    case 'run':
      return run(command);
  }
}

async function run(command: OperatorCommand): Promise<number> {
  const log = await logger(command.logLevel);
  const kube = await openCluster(command.kubeconfig, {
    failed: (error) => log.warn({ reason: error.reason }, `Kubernetes: ${error.message}`),
    threw: (error) => log.error({ err: error }, 'while taking in a change'),
  });
  const instance = `${hostname()}-${randomBytes(4).toString('hex')}`;
  const controller = new Controller({
    kube,
    image: command.agent,
    log,
    instance,
    random: Math.random,
    wall: Date.now,
  });
  let known = false;
  void controller.ready().then(() => {
    known = true;
    log.info('the cluster is known');
  });

  const over = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, resolve);
  });
  const contender = new Contender({
    kube,
    lease: { namespace: command.namespace, name: MANAGER },
    fieldManager: MANAGER,
    options: { ...ELECTION, identity: instance },
    now: () => performance.now(),
    wall: () => Date.now() as WallMillis,
    onLead: () => {
      log.info('leading');
      void controller.start();
    },
    // It goes on following, and so leads again at once when it was only the API server that was away.
    onFollow: (holder) => {
      log.info({ holder }, 'following');
      controller.pause();
    },
    onError: (error: KubeError) => log.warn({ reason: error.reason }, `Lease: ${error.message}`),
  });
  const registry = operatorRegistry({
    controller,
    requests: () => kube.calls,
    isLeader: () => contender.holds(),
  });
  const notReady = (): string[] => (known ? [] : ['the cluster is not known yet']);
  if (command.http !== null) await serveHttp(command.http, { notReady }, registry);
  log.info({ version: version(), instance, agent: command.agent.image }, 'running');

  const reason = await over;
  log.info({ reason }, 'stopping');
  controller.stop();
  await contender.resign();
  return 0;
}

/** As the agent does: the level by its name, the time as a date. */
const LOG_FORMAT = {
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (label: string): object => ({ level: label }) },
};

async function logger(level: string): Promise<Logger> {
  if (!process.stdout.isTTY) return pino({ level, ...LOG_FORMAT });
  const { default: pretty } = await import('pino-pretty');
  return pino({ level }, pretty({ ignore: 'pid,hostname', sync: true }));
}

function version(): string {
  // The bundle carries it; the tree has it in package.json.
  const bundled = process.env.DHCP_AGENT_VERSION;
  if (bundled !== undefined) return bundled;
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exit(status);
  },
  (error: unknown) => {
    console.error(`dhcp-operator: ${(error as Error).message}`);
    process.exit(error instanceof UsageError ? EXIT_USAGE : 1);
  },
);
