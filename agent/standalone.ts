import type { Logger } from 'pino';
import { type Compiled, compile } from '../crds/compile.ts';
import { type Document, keyOf } from '../crds/document.ts';
import { readManifests } from '../crds/manifest.ts';
import { formatProblem } from '../crds/problem.ts';
import type { AgentConfig } from '../crds/types/agentconfig.ts';
import { readManifestFiles } from './files.ts';

/** What the files say: what can run, and what is wrong with the rest. */
export interface Loaded extends Compiled {
  readonly documents: readonly Document[];
  /** Whether every file could be read as manifests at all; if not, objects may be missing. */
  readonly complete: boolean;
}

/** Reads and compiles manifests; throws an Error of one line when a file cannot be read. */
export function loadManifests(paths: readonly string[]): Loaded {
  const { documents, problems } = readManifests(readManifestFiles(paths));
  const compiled = compile(documents, { kubernetes: false });
  return {
    ...compiled,
    documents,
    problems: [...problems, ...compiled.problems],
    complete: problems.length === 0,
  };
}

/** Follows manifests on disk: what has problems keeps running as it was last accepted. */
export class Standalone {
  rejectedObjects = 0;
  private accepted: AgentConfig | null = null;
  private readonly paths: readonly string[];
  private readonly log: Logger;
  private readonly apply: (config: AgentConfig) => void;

  constructor(paths: readonly string[], log: Logger, apply: (config: AgentConfig) => void) {
    this.paths = paths;
    this.log = log;
    this.apply = apply;
  }

  /** Reads everything again and applies what is good. Returns whether all of it was. */
  reload(): boolean {
    let loaded: Loaded;
    try {
      loaded = loadManifests(this.paths);
    } catch (error) {
      // A file that is being replaced may be away for a moment.
      this.log.error(`${(error as Error).message}; what was accepted before keeps running`);
      return false;
    }
    for (const warning of loaded.warnings) this.log.warn(formatProblem(warning));
    for (const problem of loaded.problems) this.log.error(formatProblem(problem));
    this.rejectedObjects = new Set(loaded.problems.map((p) => `${p.file}#${p.document}`)).size;
    this.accepted = withLastGood(loaded, this.accepted);
    this.apply(this.accepted);
    return loaded.problems.length === 0;
  }
}

/** The accepted objects, and for those that were refused now what was accepted of them before. */
function withLastGood(loaded: Loaded, before: AgentConfig | null): AgentConfig {
  if (before === null) return loaded.config;
  const refused = new Set([...loaded.rejected].map(keyOf));
  const kept = <T extends { readonly name: string }>(
    kind: string,
    good: readonly T[],
    old: readonly T[],
  ): readonly T[] => {
    const names = new Set(good.map(({ name }) => name));
    const stays = ({ name }: T): boolean => refused.has(`${kind}/${name}`) || !loaded.complete;
    return [...good, ...old.filter((one) => !names.has(one.name) && stays(one))];
  };
  return {
    relays: kept('DhcpRelay', loaded.config.relays, before.relays),
    servers: kept('DhcpServer', loaded.config.servers, before.servers),
  };
}
