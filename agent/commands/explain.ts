import { existsSync } from 'node:fs';
import { formatProblem } from '../../crds/problem.ts';
import type { ServerConfig } from '../../crds/types/serverconfig.ts';
import { STATE_DIR, strictly, text, UsageError } from '../cli.ts';
import { Leases } from '../core/lease/table.ts';
import { relayLinks } from '../core/relay/links.ts';
import { ServerMachine } from '../core/server/machine.ts';
import { type Question, questionMessage } from '../core/server/question.ts';
import { type LinkState, Links } from '../net/links.ts';
import { loadManifests } from '../standalone.ts';
import { storeDirectory } from '../store/files.ts';
import { LeaseFollower } from '../store/follow.ts';
import { type Explained, explanationOf, interfaceFor, serverCalled } from './asking.ts';
import { ask, socketPath } from './client.ts';
import { explanationText } from './explaintext.ts';
import { Intents } from './intents.ts';
import { asked } from './listing.ts';
import { jsonOf, yamlOf } from './print.ts';
import { parseQuestion, QUESTION_OPTIONS, type QuestionTexts } from './question.ts';

const EXPLAIN_HELP = `dhcp-agent explain --mac MAC [options]            what a client would be offered now and why; nothing is sent or kept

  --interface NAME       where it is: on this link; left out: the only one that is served
  --giaddr IP            or behind this relay
  --circuit-id TEXT      what the relay says of it: sub-options 1, 2 and 5 of option 82
  --remote-id TEXT
  --link-selection IP
  --client-id ID         option 61: text, sent with type 0, or octets such as 01:02:00:00:00:00:0a
  --requested IP         option 50
  --hostname TEXT        option 12
  --arch NAME            option 93, such as x64-uefi, or its number
  --vendor-class TEXT    option 60
  --user-class TEXT      option 77
  --ask OPTION,...       option 55, by names or numbers; left out: what most clients ask for
  --server NAME          of this DhcpServer
  -f FILE-OR-DIR...      as these manifests have it, with the leases that are there; no agent is asked
  -o json|yaml           for programs
  --state-dir DIR        where the agent keeps its state (${STATE_DIR})

Texts may be given in hex after 0x.`;

const OPTIONS = {
  ...Object.fromEntries(QUESTION_OPTIONS.map((name) => [name, { type: 'string' } as const])),
  interface: { type: 'string' },
  server: { type: 'string' },
  file: { type: 'string', short: 'f', multiple: true },
  output: { type: 'string', short: 'o' },
  'state-dir': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Runs `explain` with the arguments behind it; throws UsageError and Errors of one line. Resolves with the exit status. */
export async function runExplain(argv: readonly string[]): Promise<number> {
  const { values, positionals } = strictly(argv, OPTIONS);
  if (values.help === true) {
    console.log(EXPLAIN_HELP);
    return 0;
  }
  const files = values.file as string[] | undefined;
  if (positionals.length > 0 && files === undefined) {
    throw new UsageError(`unexpected "${positionals[0]}"; see explain --help`);
  }
  const output = text(values.output);
  if (output !== undefined && output !== 'json' && output !== 'yaml') {
    throw new UsageError(`-o ${output}: use json or yaml, or leave it out`);
  }
  const question = parseQuestion(values as QuestionTexts);
  const explained =
    files === undefined
      ? await byAgent(values)
      : await byManifests([...files, ...positionals], question, values);
  if (output === 'json') console.log(jsonOf(explained, 2));
  else process.stdout.write(output === 'yaml' ? yamlOf(explained) : explanationText(explained));
  return 0;
}

type Values = Record<string, unknown>;

async function byAgent(values: Values): Promise<Explained> {
  const parameters = new URLSearchParams();
  for (const name of [...QUESTION_OPTIONS, 'interface', 'server'] as const) {
    const value = text(values[name]);
    if (value !== undefined) parameters.set(name, value);
  }
  const socket = socketPath(text(values['state-dir']) ?? STATE_DIR);
  return JSON.parse(await asked(ask(socket, 'GET', '/explain', parameters))) as Explained;
}

async function byManifests(
  files: readonly string[],
  question: Question,
  values: Values,
): Promise<Explained> {
  const stateDir = text(values['state-dir']) ?? STATE_DIR;
  const loaded = loadManifests(files, () => new Intents(stateDir).read());
  for (const problem of loaded.problems) console.error(formatProblem(problem));
  const servers = new Map(loaded.config.servers.map((config) => [config.name, config]));
  if (servers.size === 0) throw new Error(`no DhcpServer of ${files.join(' ')} can run`);
  const [server, config] = serverCalled(servers, text(values.server), files.join(' '));
  const { machine, leases, now } = await machineFor(config, stateDir);
  const ifindex = interfaceFor(machine.core.links, question, text(values.interface));
  console.error(`by these manifests, the interfaces of this machine and ${now.words}`);
  const explanation = machine.core.explain(now.at, questionMessage(question), ifindex);
  return explanationOf(server, explanation, leases, question);
}

async function machineFor(config: ServerConfig, stateDir: string) {
  const directory = storeDirectory(stateDir, config.name);
  const store = existsSync(directory) ? await LeaseFollower.open(directory) : null;
  const links = await linksNow();
  const leases = store === null ? new Leases({ secret: NO_KEY }) : store.leases;
  const machine = new ServerMachine({
    config,
    links: relayLinks(links),
    leases,
    keys: [NO_KEY, NO_KEY],
    observer: SILENT,
  });
  const words = store === null ? 'no leases' : `the leases in ${directory}`;
  return { machine, leases, now: { at: store === null ? Date.now() : store.now(), words } };
}

/** Nobody else sends anything to what lives for one question. */
const NO_KEY = { low: 0, high: 0 };

const nothing = (): void => {};
const SILENT = {
  request: nothing,
  reply: nothing,
  lease: nothing,
  conflict: nothing,
  declined: nothing,
  clone: nothing,
  probeSkipped: nothing,
  informationOmitted: nothing,
  foreignServer: nothing,
};

async function linksNow(): Promise<readonly LinkState[]> {
  let found: readonly LinkState[] = [];
  const links = Links.open({
    onChange: (states) => {
      found = states;
    },
  });
  await links.ready;
  links.close();
  return found;
}
