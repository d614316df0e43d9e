import { createHash, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { Millis } from '../codec/machine.ts';
import { keyOf } from '../crds/document.ts';
import { formatProblem } from '../crds/problem.ts';
import type { AgentConfig } from '../crds/types/agentconfig.ts';
import { Agent } from './agent.ts';
import {
  type Command,
  HELP,
  type KubernetesCommand,
  parseCommand,
  type RunCommand,
  type ServiceOptions,
  UsageError,
} from './cli.ts';
import type { WishKeeper } from './commands/door.ts';
import { Intents } from './commands/intents.ts';
import { IntentKeeper } from './commands/keeper.ts';
import { openDoor } from './commands/open.ts';
import { watchManifestFiles } from './files.ts';
import { type Answers, addressOf, type Observable, serveHttp } from './http.ts';
import { agentRegistry } from './metrics.ts';
import { addon } from './net/addon.ts';
import { Links } from './net/links.ts';
import { boundPatterns } from './patterns.ts';
import type { ServerGate } from './servers.ts';
import { loadManifests, Standalone } from './standalone.ts';

/** Exit status of a command line that cannot be followed (sysexits.h EX_USAGE). */
const EXIT_USAGE = 64;

async function main(argv: readonly string[]): Promise<number> {
  boundPatterns();
  const command = parseCommand(argv);
  switch (command.kind) {
    case 'help':
      console.log(HELP);
      return 0;
    case 'version':
      console.log(`dhcp-agent ${version()} (Node ${process.version})`);
      return 0;
    case 'validate':
      return validate(command);
    case 'convert':
      return (await import('./convert/command.ts')).runConvert(command.argv);
    case 'leases':
      return (await import('./commands/leases.ts')).runLeases(command.argv);
    case 'explain':
      return (await import('./commands/explain.ts')).runExplain(command.argv);
    case 'run':
      return run(command);
    case 'kubernetes':
      return kubernetes(command);
  }
}

function validate({ files }: Extract<Command, { kind: 'validate' }>): number {
  const { problems, warnings, rejected, documents } = loadManifests(files);
  for (const warning of warnings) console.error(`warning: ${formatProblem(warning)}`);
  for (const problem of problems) console.error(formatProblem(problem));
  for (const one of documents) if (!rejected.has(one)) console.log(`${keyOf(one)}: ok`);
  if (documents.length === 0 && problems.length === 0) console.log('no DHCP objects here');
  return problems.length === 0 ? 0 : 1;
}

async function run(command: RunCommand): Promise<number> {
  const log = await logger(command.logLevel);
  const agent = agentFor(command, log, null);
  const intents = new Intents(command.stateDir);
  const apply = (config: AgentConfig): void => void agent.apply(config);
  const standalone = new Standalone(command.files, log, apply, () => intents.read());
  const good = standalone.reload();
  if (!good && agent.isIdle()) {
    // Not as fatal: such a line overtakes those before it.
    log.error('nothing to run: mend the manifests and start again');
    return 1;
  }
  const rejectedObjects = (): number => standalone.rejectedObjects;
  const observed = { command, agent, observable: agent, rejectedObjects, log };
  // Before anything runs: where it cannot be, nothing may be left behind that answers.
  const { http, answers } = await openHttp(observed);
  const links = await followLinks(agent, log);
  if (agent.failedEntirely()) {
    links.close();
    return 1;
  }
  const keeper = new IntentKeeper(intents, {
    tryOut: (file) => standalone.tryOut(file),
    follow: () => {
      standalone.reload();
      return agent.settled();
    },
  });
  const close = await openDoorOf({ ...observed, answers, keeper });
  const watched = intents.make() ? [...command.files, intents.folder] : command.files;
  const unwatch = watchManifestFiles(watched, () => void standalone.reload());
  const retry = setInterval(() => void agent.retry(), RETRY);
  log.info({ version: version(), node: nodeName(), http }, 'running');

  const signal = await ended(() => {
    log.info('reading the manifests again, as SIGHUP asks for');
    standalone.reload();
  });
  log.info({ signal }, 'stopping');
  clearInterval(retry);
  unwatch();
  close();
  links.close();
  await agent.stop();
  return 0;
}

async function kubernetes(command: KubernetesCommand): Promise<number> {
  const log = await logger(command.logLevel);
  const { InCluster } = await import('./kubernetes/incluster.ts');
  const inCluster = await InCluster.open({
    object: command.object,
    kubeconfig: command.kubeconfig,
    node: nodeName(),
    hostIp: process.env.HOST_IP,
    stateDir: command.stateDir,
    log,
    now: monotonic,
    agent: (gate) => agentFor(command, log, gate),
  });
  const { agent } = inCluster;
  const rejectedObjects = (): number => 0;
  const observed = { command, agent, observable: inCluster, rejectedObjects, log };
  const { http, answers } = await openHttp(observed);
  const close = await openDoorOf({ ...observed, answers, keeper: null });
  const links = await followLinks(agent, log);
  inCluster.start();
  const retry = setInterval(() => void agent.retry(), RETRY);
  log.info({ version: version(), node: nodeName(), http }, 'running');

  const signal = await ended(() => {});
  log.info({ signal }, 'stopping');
  clearInterval(retry);
  close();
  links.close();
  await inCluster.stop();
  return 0;
}

function agentFor({ stateDir }: ServiceOptions, log: Logger, gate: ServerGate | null): Agent {
  const node = nodeName();
  return new Agent({
    node,
    nodeDuid: duidOf(node),
    log,
    stateDir,
    now: () => performance.now(),
    random: () => randomInt(2 ** 32) / 2 ** 32,
    ...(gate === null ? {} : { gate }),
  });
}

// Nothing is relayed or served before it is known where.
async function followLinks(agent: Agent, log: Logger): Promise<Links> {
  const links = Links.open({
    onChange: (states) => void agent.linksChanged(states),
    onError: (error) => log.warn(`${error.message}; it is asked again`),
  });
  await links.ready;
  await agent.settled();
  return links;
}

function nodeName(): string {
  return process.env.NODE_NAME ?? hostname();
}

/** Counts time asleep too, as whoever waits elsewhere does. */
function monotonic(): Millis {
  return addon().bootMillis();
}

/** How often roles that could not start are tried again, in ms. */
const RETRY = 5_000;

interface Observed {
  readonly command: ServiceOptions;
  readonly agent: Agent;
  readonly observable: Observable;
  readonly rejectedObjects: () => number;
  readonly log: Logger;
}

/** Opens what the agent is asked by over the network: `http` says where. */
async function openHttp(observed: Observed): Promise<{ http: string; answers: Answers }> {
  const { command, agent, observable, rejectedObjects, log } = observed;
  const registry = agentRegistry({
    relays: () => agent.relays,
    servers: () => agent.servers.roles(),
    generation: () => agent.generation,
    rejectedObjects,
  });
  const answers = { agent: observable, registry, debug: command.debug };
  return { http: await openNetwork(command, answers, log), answers };
}

/** Opens what commands ask the agent by; returns what closes it. */
function openDoorOf(
  parts: Observed & { readonly answers: Answers; readonly keeper: WishKeeper | null },
): Promise<() => void> {
  const { command, agent } = parts;
  const { stateDir } = command;
  return openDoor({ ...parts, stateDir, node: nodeName(), servers: agent.servers });
}

async function openNetwork(
  { http }: ServiceOptions,
  answers: Answers,
  log: Logger,
): Promise<string> {
  if (http === null) return 'off';
  const { address, port, asked } = http;
  try {
    const server = await serveHttp({ address, port, ...answers });
    // It answers as long as the agent runs, and is no reason to run on.
    server.unref();
    return addressOf(server);
  } catch (error) {
    const reason = `--http ${address}:${port}: ${(error as NodeJS.ErrnoException).code}`;
    if (asked) throw new UsageError(`${reason}; name another address, or off`);
    log.warn(`${reason}; running without health and metrics`);
    return 'off';
  }
}

/** Resolves with the signal that ends the agent; SIGHUP is for reloading. */
function ended(onHangUp: () => void): Promise<string> {
  process.on('SIGHUP', onHangUp);
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, resolve);
  });
}

/** What people read in a journal: the level by its name, the time as a date. */
const LOG_FORMAT = {
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (label: string): object => ({ level: label }) },
};

async function logger(level: string): Promise<Logger> {
  if (!process.stdout.isTTY) return pino({ level, ...LOG_FORMAT });
  const { default: pretty } = await import('pino-pretty');
  return pino({ level }, pretty({ ignore: 'pid,hostname', sync: true }));
}

// RFC 8415 §11.3 would want an enterprise number; RFC 6355 a UUID, here one made from the node's name (RFC 9562 §5.5).
function duidOf(node: string): Uint8Array {
  const uuid = createHash('sha1')
    .update('dhcp-operator node ')
    .update(node)
    .digest()
    .subarray(0, 16);
  uuid[6] = (uuid[6]! & 0x0f) | 0x50;
  uuid[8] = (uuid[8]! & 0x3f) | 0x80;
  return Buffer.concat([Buffer.of(0, 4), uuid]);
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
    process.exitCode = status;
  },
  (error: unknown) => {
    console.error(`dhcp-agent: ${(error as Error).message}`);
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : 1;
  },
);
