import { ARCHITECTURES } from '../../codec/v4/boot.ts';
import { FILE_LENGTH, SNAME_LENGTH } from '../../codec/v4/header.ts';
import { utf8 } from '../../codec/v4/kind.ts';
import type { BootEntry } from '../types/dhcpsubnet.ts';
import type { BootConfig } from '../types/serverconfig.ts';
import type { Findings } from './findings.ts';
import { address } from './serverranges.ts';

const CODES = new Map([...ARCHITECTURES].map(([code, name]) => [name, code]));
const X86_UEFI = 6;
/** 64-bit firmware says 7, and some of it 9, which an erratum of RFC 4578 once called x64. */
const X64_UEFI = [7, 9];

/** Compiles a boot table; null when the level has none. */
export function compileBoot(
  entries: readonly BootEntry[] | undefined,
  path: string,
  classes: ReadonlySet<string>,
  findings: Findings,
): readonly BootConfig[] | null {
  if (entries === undefined) return null;
  const namesX64 = entries.some(({ architectures }) => architectures?.includes('x64-uefi'));
  const compiled: BootConfig[] = [];
  for (const [i, entry] of entries.entries()) {
    const at = `${path}[${i}]`;
    const file = fileOf(entry, at, findings);
    if (entry.serverName !== undefined)
      checkLength(entry.serverName, SNAME_LENGTH, `${at}.serverName`, findings);
    const nextServer =
      entry.nextServer === undefined
        ? null
        : address(entry.nextServer, `${at}.nextServer`, findings);
    knownClasses(entry.classes, `${at}.classes`, classes, findings);
    const codes = architectureCodes(entry.architectures ?? [], `${at}.architectures`, findings);
    compiled.push({
      architectures: codes.includes(X86_UEFI) && !namesX64 ? [...codes, ...X64_UEFI] : codes,
      userClass: entry.userClass ?? null,
      vendorClass: entry.vendorClass ?? null,
      classes: entry.classes ?? [],
      nextServer,
      serverName: entry.serverName ?? null,
      file,
      http: entry.httpUrl !== undefined,
    });
  }
  return compiled;
}

/** Says which of the names are no classes. */
export function knownClasses(
  names: readonly string[] | undefined,
  path: string,
  classes: ReadonlySet<string>,
  findings: Findings,
): void {
  for (const [i, name] of (names ?? []).entries()) {
    if (classes.has(name)) continue;
    const known = [...classes].join(', ') || 'there are none';
    findings.problem(
      `${path}[${i}]`,
      'UnknownClass',
      `"${name}" is not in spec.classes (${known})`,
    );
  }
}

function fileOf(entry: BootEntry, path: string, findings: Findings): string {
  const { file, httpUrl } = entry;
  if ((file === undefined) === (httpUrl === undefined)) {
    findings.problem(path, 'ExactlyOneOf', 'exactly one of file and httpUrl says what to load');
    return '';
  }
  // A URL goes into option 67, which has room for 255; a file also into the field of that name.
  if (httpUrl !== undefined) checkLength(httpUrl, 256, `${path}.httpUrl`, findings);
  else checkLength(file!, FILE_LENGTH, `${path}.file`, findings);
  return httpUrl ?? file!;
}

// One octet of each field is the NUL that ends it (RFC 2131 §2).
function checkLength(text: string, room: number, path: string, findings: Findings): void {
  if (utf8(text).length < room) return;
  findings.problem(path, 'TooLong', `is longer than the ${room - 1} octets there is room for`);
}

function architectureCodes(
  names: readonly string[],
  path: string,
  findings: Findings,
): readonly number[] {
  const codes: number[] = [];
  for (const [i, name] of names.entries()) {
    const code = CODES.get(name) ?? (/^\d{1,5}$/.test(name) ? Number(name) : -1);
    if (code >= 0 && code <= 0xffff) codes.push(code);
    else findings.problem(`${path}[${i}]`, 'UnknownArchitecture', unknown(name));
  }
  return codes;
}

function unknown(name: string): string {
  const common = ['x86-bios', 'x86-uefi', 'x64-uefi', 'arm64-uefi', 'x64-uefi-http'];
  const near = [...CODES.keys()].filter((known) => known.startsWith(name.slice(0, 3)));
  const choice = (near.length > 0 ? near : common).slice(0, 6).join(', ');
  return `"${name}" is no architecture: take one such as ${choice}, or its number`;
}
