/** One thing that is wrong in a user's manifest: where it stands, and what to write instead. */
export interface Problem {
  /** As it was named; empty for an object that comes from an API server. */
  readonly file: string;
  /** Which document of the file, from 1. */
  readonly document: number;
  /** From 1; 0 when there is no text to point at. */
  readonly line: number;
  /** From 1; 0 unless the text itself cannot be read. */
  readonly column: number;
  /** Empty when the document does not say. */
  readonly kind: string;
  /** `namespace/name`, or the name alone. */
  readonly name: string;
  /** Such as `spec.subnets[0].cidr`; empty for the document as a whole. */
  readonly path: string;
  /** A CamelCase word that names the kind of mistake. */
  readonly reason: string;
  /** What is so, and what to write instead. */
  readonly message: string;
}

/** One line, such as `office.yaml:7 DhcpRelay/office spec.upstreams[0].adress: unknown field; did you mean "address"?`. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, kind, name, path, message } = problem;
  const place = file === '' ? '' : [file, line, column].filter((part) => part !== 0).join(':');
  const object = [kind, name].filter((part) => part !== '').join('/');
  const subject = [place, object, path].filter((part) => part !== '').join(' ');
  // What users wrote may be quoted in it: it neither ends the line nor steers the terminal.
  return `${subject}: ${message}`.replace(/\p{C}+/gu, ' ');
}

/** Where in its object, and what: for who already looks at the object. */
export function problemText({ path, message }: Pick<Problem, 'path' | 'message'>): string {
  const text = path === '' ? message : `${path}: ${message}`;
  return text.replace(/\p{C}+/gu, ' ');
}
