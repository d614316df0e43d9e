// The load generator and the stateless server, built from the C beside this file.
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Node, Process } from '../lab/lab.ts';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));
/** Where results and the generator are written. */
export const OUT = fileURLToPath(new URL('../../build/bench', import.meta.url));
const PROGRAM = `${OUT}/loadgen`;

/** How long something took, in whole microseconds. */
export interface Times {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What a run of the generator saw. */
export interface Load {
  readonly loop: 'open' | 'closed';
  /** Whether it polled for answers, taking a processor, or slept, so that who answers pays for waking it. */
  readonly waiting: 'polls' | 'sleeps';
  readonly clients: number;
  readonly seconds: number;
  readonly exchanges: number;
  readonly perSecond: number;
  /** Not answered within a second. */
  readonly lost: number;
  /** Answered twice, or after that second. */
  readonly late: number;
  /** Not begun, because 4,096 were waiting already (open loop only). */
  readonly overruns: number;
  /** Share of looks at the socket that found nothing: near 0 where the generator itself was the limit. */
  readonly idleRounds: number;
  /** Processor time of the generator itself. */
  readonly cpuSeconds: number;
  readonly wrong: number;
  readonly wrongBy: { readonly [fault: string]: number };
  /** DISCOVER (in open loop: when it was due) to OFFER. */
  readonly offerMicros: Times;
  /** REQUEST to ACK. */
  readonly ackMicros: Times;
  readonly exchangeMicros: Times;
}

/** Compiles the generator; a second or so. */
export function buildGenerator(): void {
  mkdirSync(OUT, { recursive: true });
  const flags = ['-std=c17', '-O2', '-Wall', '-Wextra', '-Werror'];
  execFileSync('cc', [...flags, '-o', PROGRAM, ...globSync(`${SOURCES}*.c`)], { stdio: 'inherit' });
}

/** Runs the generator on one processor, for as long as its arguments say. */
export async function runLoad(
  node: Node,
  ifname: string,
  processor: number,
  args: readonly (string | number)[],
): Promise<Load> {
  const generator = pinned(node, processor, PROGRAM, ['clients', ifname, ...args.map(String)]);
  const status = await generator.end(600);
  const line = generator.output.split('\n').find((text) => text.startsWith('{'));
  if (status !== 0 || line === undefined) throw new Error(`loadgen: ${generator.output}`);
  return JSON.parse(line) as Load;
}

/** Starts the stateless server on one processor. */
export async function startResponder(
  node: Node,
  ifname: string,
  processor: number,
  address: string,
): Promise<Process> {
  const responder = pinned(node, processor, PROGRAM, ['responder', ifname, address]);
  await responder.line(/answering/);
  return responder;
}

/** Starts a program on one processor, before everything that is not measured: what else runs here must not decide. */
export function pinned(
  node: Node,
  processor: number,
  program: string,
  args: readonly string[],
): Process {
  return node.start('nice', ['-n', '-20', 'taskset', '-c', String(processor), program, ...args]);
}
