import { parseArgs } from 'node:util';

type Value = string | number | boolean;
type Widened<Default extends Value> = Default extends number
  ? number
  : Default extends boolean
    ? boolean
    : string;

/**
 * The options of a program that developers run by hand: those of `defaults`, each of its default's type. Says `usage` to
 * who asks for --help, and one line to who errs; the process ends then, with 2.
 */
export function flags<const Defaults extends Record<string, Value>>(
  usage: string,
  defaults: Defaults,
): { readonly [Name in keyof Defaults]: Widened<Defaults[Name]> } {
  try {
    return readFlags(process.argv.slice(2), usage, defaults);
  } catch (error) {
    if (!(error instanceof Usage)) throw error;
    const { asked, message } = error;
    (asked ? console.log : console.error)(message);
    return process.exit(asked ? 0 : 2);
  }
}

/** The usage, because somebody asked for it, or what is wrong with a command line. */
export class Usage extends Error {
  readonly asked: boolean;
  constructor(message: string, asked: boolean) {
    super(message);
    this.asked = asked;
  }
}

/** As `flags`, for these arguments. Throws Usage. */
export function readFlags<const Defaults extends Record<string, Value>>(
  argv: readonly string[],
  usage: string,
  defaults: Defaults,
): { readonly [Name in keyof Defaults]: Widened<Defaults[Name]> } {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [
      name,
      { type: typeof value === 'boolean' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { help, ...given } = strictly(argv, usage, options);
  if (help === true) throw new Usage(`usage: ${usage}`, true);
  const read = Object.entries(defaults).map(([name, value]) => {
    const text = given[name];
    if (typeof value !== 'number' || text === undefined) return [name, text ?? value];
    const number = Number(text);
    if (text !== '' && Number.isFinite(number) && number >= 0) return [name, number];
    throw new Usage(`--${name} ${text}: use a number; usage: ${usage}`, false);
  });
  return Object.fromEntries(read);
}

function strictly(
  argv: readonly string[],
  usage: string,
  options: Record<string, { type: 'boolean' | 'string' }>,
): Record<string, string | boolean | undefined> {
  try {
    const all = { ...options, help: { type: 'boolean', short: 'h' } } as const;
    return parseArgs({ args: [...argv], options: all }).values;
  } catch (error) {
    const message = (error as Error).message.replace(/\. (?:To specify|This command).*$/s, '');
    throw new Usage(`${message}; usage: ${usage}`, false);
  }
}
