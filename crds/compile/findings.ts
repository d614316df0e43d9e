/** What is wrong in one place of a specification. */
export interface Finding {
  /** Such as `spec.subnets[0].pools[1].start`. */
  readonly path: string;
  /** A CamelCase word that names the kind of mistake. */
  readonly reason: string;
  /** What is so, and what to do about it. */
  readonly message: string;
}

/** Collects what is wrong, all of it, so that nobody has to mend one mistake to hear of the next. */
export class Findings {
  /** What keeps the specification from being used. */
  readonly problems: Finding[] = [];
  /** What can be lived with, and is probably not meant. */
  readonly warnings: Finding[] = [];

  problem(path: string, reason: string, message: string): void {
    this.problems.push({ path, reason, message });
  }

  warn(path: string, reason: string, message: string): void {
    this.warnings.push({ path, reason, message });
  }
}
