import type { Logger } from 'pino';
import type { Following, Kube } from '../../crds/client/kube.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../crds/client/resources.ts';
import { compile } from '../../crds/compile.ts';
import { type Document, keyOf } from '../../crds/document.ts';
import { formatProblem } from '../../crds/problem.ts';
import type { AgentConfig } from '../../crds/types/agentconfig.ts';
import { type Assignment, readAssignment } from './assignment.ts';
import type { LocalCopy } from './copy.ts';

/** What the configuration is made of, and where it goes. */
export interface ClusterConfigParts {
  readonly kube: Kube;
  readonly configMap: { readonly namespace: string; readonly name: string };
  readonly copy: LocalCopy;
  readonly log: Logger;
  /** What users want of single addresses, as manifests. */
  intents(): readonly Document[];
  /** A configuration that is good; the promise resolves when it is in force. */
  apply(config: AgentConfig, assignment: Assignment): Promise<void>;
}

/**
 * Follows the ConfigMap that the operator writes for this agent. What is good is applied and copied to the node, from where it
 * comes when the API server is away at the start; what is not is reported, and what was applied before stays.
 */
export class ClusterConfig {
  /** The one in force. */
  assignment: Assignment | null = null;
  /** Why the newest one is not in force. */
  problem: string | null = null;
  private readonly parts: ClusterConfigParts;
  private readonly following: Following<ConfigMap>;
  private wanted: Assignment | null = null;
  private work: Promise<void> = Promise.resolve();
  private toldProblems = '';

  constructor(parts: ClusterConfigParts) {
    this.parts = parts;
    const { kube, configMap } = parts;
    this.take(this.copied(), false);
    const fields = `metadata.name=${configMap.name}`;
    this.following = kube.follow(
      CONFIG_MAPS,
      { namespace: configMap.namespace, fields },
      ({ kind, object }) => {
        // When it is gone the agent is about to be, too; until then it does what it did.
        if (kind !== 'deleted') this.take(object, true);
      },
    );
  }

  /** What users want of addresses has changed. */
  refresh(): void {
    if (this.wanted !== null) this.enqueue(this.wanted);
  }

  close(): void {
    this.following.close();
  }

  private copied(): ConfigMap | null {
    const text = this.parts.copy.read();
    if (text === null) return null;
    try {
      return JSON.parse(text) as ConfigMap;
    } catch (error) {
      this.parts.log.warn(`the copy of the configuration is damaged: ${(error as Error).message}`);
      return null;
    }
  }

  private take(map: ConfigMap | null, fresh: boolean): void {
    if (map === null) return;
    const assignment = readAssignment(map);
    if (typeof assignment === 'string') {
      this.fail(assignment);
      return;
    }
    this.wanted = assignment;
    this.enqueue(assignment, fresh ? map : null);
  }

  // One after the other: starting a server takes a while, and a later configuration must not be overtaken.
  private enqueue(assignment: Assignment, map: ConfigMap | null = null): void {
    this.work = this.work.then(() => this.apply(assignment, map));
  }

  private async apply(assignment: Assignment, map: ConfigMap | null): Promise<void> {
    const { document } = assignment;
    const documents = [document, ...this.parts.intents()];
    const { config, problems, rejected } = compile(documents, { kubernetes: true });
    this.tell(problems.map(formatProblem));
    if (rejected.has(document)) {
      const first = problems.find(({ kind }) => kind === document.kind);
      this.fail(`${keyOf(document)}: ${first === undefined ? 'refused' : formatProblem(first)}`);
      return;
    }
    await this.parts.apply(config, assignment);
    this.assignment = assignment;
    this.problem = null;
    if (map === null) return;
    const { name, namespace, ownerReferences = [] } = map.metadata;
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), ownerReferences };
    this.parts.copy.write(JSON.stringify({ ...map, metadata }));
  }

  private fail(problem: string): void {
    this.problem = problem;
    this.parts.log.error(`${problem}; what was applied before keeps running`);
  }

  private tell(problems: readonly string[]): void {
    const text = problems.join('\n');
    if (text === this.toldProblems) return;
    this.toldProblems = text;
    for (const problem of problems) this.parts.log.warn(problem);
  }
}
