import type { ExplainedOption } from '../core/server/explain.ts';
import type { Explained } from './asking.ts';

/** An explanation for people, ending with a newline. */
export function explanationText(explained: Explained): string {
  const { server, steps, offer } = explained;
  const lines = [
    row('server', server),
    ...steps.map(({ about, because }) => row(about, because)),
    ...optionLines(offer?.options ?? []),
  ];
  // What clients and files say must neither end the line nor steer the terminal.
  return lines.map((line) => `${line.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')}\n`).join('');
}

function row(about: string, because: string): string {
  return `${about.padEnd(12)} ${because}`;
}

function optionLines(options: readonly ExplainedOption[]): string[] {
  const titles = options.map(({ code, name }) => `${String(code).padStart(3)} ${name}`);
  const width = Math.max(0, ...titles.map((title) => title.length));
  return options.map(({ value, origin, sent }, i) => {
    const silent = sent ? '' : '; not asked for, so not sent';
    return row('option', `${titles[i]!.padEnd(width)}  ${value}  (${origin}${silent})`);
  });
}
