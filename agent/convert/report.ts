/** A place in one of the files that are converted. */
export interface Place {
  readonly file: string;
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
}

/** Something that is not in the manifests as it was in the file. */
export interface Finding extends Place {
  /** What it is, in the words of the file. */
  readonly what: string;
  /** Why it could not be carried over as it is. */
  readonly why: string;
  /** What to do by hand. */
  readonly remedy: string;
}

/** Gathers findings; the same one at the same place only once. */
export class Report {
  private readonly found = new Map<string, Finding>();

  add(place: Place, what: string, why: string, remedy: string): void {
    const { file, line } = place;
    const finding = { file, line, what: oneLine(what), why: oneLine(why), remedy };
    this.found.set(JSON.stringify([file, line, finding.what, finding.why]), finding);
  }

  /** By file in the order of the first of each, then by line. */
  inOrder(): Finding[] {
    const all = [...this.found.values()];
    const order = new Map<string, number>();
    for (const { file } of all) if (!order.has(file)) order.set(file, order.size);
    return all.sort((a, b) => order.get(a.file)! - order.get(b.file)! || a.line - b.line);
  }
}

/** One line, such as `dhcpd.conf:7: ddns-updates on: names are not put into the DNS; leave it to the DNS server`. */
export function formatFinding({ file, line, what, why, remedy }: Finding): string {
  return `${file}${line === 0 ? '' : `:${line}`}: ${what}: ${why}; ${remedy}`;
}

const WHAT_MAX = 120;

// What stood in a stranger's file neither ends the line nor steers the terminal.
function oneLine(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  return line.length > WHAT_MAX ? `${line.slice(0, WHAT_MAX - 1)}…` : line;
}
