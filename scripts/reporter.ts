// A reporter for node:test that says what failed, what was skipped and how many passed, and nothing else.
// In CI a skipped test is a failure: what cannot run there is not known to work.
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

type Data = Extract<TestEvent, { type: 'test:fail' }>['data'];

const ci = process.env.CI === 'true';

async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tally: Record<Verdict, number> = { passed: 0, failed: 0, skipped: 0, container: 0 };
  const started = performance.now();
  for await (const event of source) {
    if (event.type === 'test:stderr') yield event.data.message;
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const data = event.data as Data;
    const verdict = judge(event.type === 'test:pass', data);
    tally[verdict]++;
    if (verdict === 'failed') yield failure(data);
    if (verdict === 'skipped') yield `SKIPPED ${place(data)} ${data.name}: ${data.skip}\n`;
  }
  if (ci && tally.skipped > 0) {
    yield `${tally.skipped} skipped: in CI every test must run\n`;
    tally.failed += tally.skipped;
    process.exitCode = 1;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  yield `${seconds} s${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}\n`;
  yield `${tally.passed} passed, ${tally.failed} failed\n`;
}

type Verdict = 'passed' | 'failed' | 'skipped' | 'container';

function judge(passed: boolean, data: Data): Verdict {
  // A file, or a group of tests, is counted by its tests, unless it failed by itself.
  if (isContainer(data)) return passed || failedInside(data) ? 'container' : 'failed';
  if (data.skip !== undefined) return 'skipped';
  return passed ? 'passed' : 'failed';
}

function isContainer(data: Data): boolean {
  const type = (data.details as { type?: string }).type;
  return type === 'suite' || (data.nesting === 0 && /\.(test|vm)\.ts$/.test(data.name));
}

function failedInside(data: Data): boolean {
  const { error } = data.details;
  const code = (error as { failureType?: string }).failureType;
  return code === 'subtestsFailed';
}

function failure(data: Data): string {
  const { error } = data.details;
  const cause = (error as { cause?: unknown }).cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return `\nFAILED ${place(data)} ${data.name}\n${text.replace(/^/gm, '    ')}\n\n`;
}

function place(data: Data): string {
  const file = data.file === undefined ? '' : relative(process.cwd(), data.file);
  return data.line === undefined ? file : `${file}:${data.line}`;
}

// node:test takes a reporter as a module's default export.
export default report;
