import { formatIpv4 } from '../../codec/ipv4.ts';
import { ARCHITECTURES } from '../../codec/v4/boot.ts';
import { FILE_LENGTH, SNAME_LENGTH } from '../../codec/v4/header.ts';
import { utf8 } from '../../codec/v4/kind.ts';
import { OPTION } from '../../codec/v4/options.ts';
import type { BootEntry } from '../../crds/types/dhcpsubnet.ts';
import { type BootGuard, bootGuardOf } from './cel.ts';
import type { Classes } from './classes.ts';
import type { Mention } from './levels.ts';
import type { Boot, BootCase, Level } from './model.ts';
import { printable } from './optionyaml.ts';

/** What levels farther out say of booting. */
export interface BootContext {
  readonly boot: Boot;
  readonly cases: readonly BootCase[];
}

export const NO_BOOT: BootContext = { boot: {}, cases: [] };

const ENTRIES_MAX = 64;
/** Entries for 32-bit firmware are for 64-bit firmware too as long as none names that. */
const X86_UEFI = 6;
const X64_UEFI = 7;

/** What is said at a level and farther out. */
export function bootContext({ boot, bootCases }: Level, outer: BootContext): BootContext {
  const cases = boot.file === undefined ? [...bootCases, ...outer.cases] : bootCases;
  return { boot: { ...outer.boot, ...boot }, cases };
}

/** The boot table of a level; undefined when it adds nothing to what is said farther out. */
export function bootTable(
  level: Level,
  outer: BootContext,
  classes: Classes,
  mention: Mention,
): BootEntry[] | undefined {
  const { boot, bootCases } = level;
  const base: Boot = { ...outer.boot, ...boot };
  const saysServer = boot.nextServer !== undefined || boot.serverName !== undefined;
  const cases = saysServer && boot.file === undefined ? [...bootCases, ...outer.cases] : bootCases;
  const file =
    saysServer || boot.file !== undefined ? (base.file ?? fileInOptions(level)) : undefined;
  const namesX64 = cases.some(({ when }) => bootGuardOf(when)?.architectures?.includes(X64_UEFI));
  const entries: BootEntry[] = [];
  for (const one of cases) entries.push(...caseEntries(one, base, namesX64, classes, mention));
  if (file !== undefined) entries.push(...bootEntries({}, { ...base, file }, mention));
  if (saysServer && entries.length === 0) {
    const { place, what, report } = mention;
    const remedy = 'add a boot entry with nextServer and file, or set options.tftpServerName';
    report.add(place, what, 'names a boot server and nothing to load from it', remedy);
  }
  if (entries.length > ENTRIES_MAX) {
    const { place, what, report } = mention;
    report.add(place, what, `has more than ${ENTRIES_MAX} things to boot`, 'merge some of them');
    entries.length = ENTRIES_MAX;
  }
  return entries.length === 0 ? undefined : entries;
}

function fileInOptions({ options }: Level): string | undefined {
  const data = options.get(OPTION.bootFileName);
  return data === undefined ? undefined : (printable(data) ?? undefined);
}

function caseEntries(
  one: BootCase,
  base: Boot,
  namesX64: boolean,
  classes: Classes,
  mention: Mention,
): BootEntry[] {
  const { when, place, ...own } = one;
  const what = `${mention.what}, what to boot`;
  const boot = { ...base, ...own };
  if (boot.file === undefined) {
    const remedy = 'add a boot entry with nextServer and file';
    mention.report.add(place, what, 'names a boot server and nothing to load from it', remedy);
    return [];
  }
  const guard = bootGuardOf(when);
  const alone = guard?.architectures?.includes(X86_UEFI) === true && !namesX64;
  const fits = [guard?.userClass, guard?.vendorClass].every((text) => (text ?? 'x').length <= 255);
  if (guard !== null && !alone && fits)
    return bootEntries(guardYaml(guard), boot, { ...mention, place });
  const names = classes.named(when, place, 'boot');
  return names === null ? [] : bootEntries({ classes: names }, boot, { ...mention, place });
}

function guardYaml({ architectures, userClass, vendorClass }: BootGuard): Partial<BootEntry> {
  const names = architectures?.map((code) => ARCHITECTURES.get(code) ?? String(code));
  return {
    ...(names !== undefined && { architectures: [...new Set(names)].slice(0, 32) }),
    ...(userClass !== undefined && { userClass }),
    ...(vendorClass !== undefined && { vendorClass }),
  };
}

function bootEntries(guard: Partial<BootEntry>, boot: Boot, mention: Mention): BootEntry[] {
  const { place, what, report } = mention;
  const file = boot.file!;
  const isHttp = /^https?:\/\//.test(file);
  const room = isHttp ? 255 : FILE_LENGTH - 1;
  if (file === '' || utf8(file).length > room) {
    const why = file === '' ? 'has an empty file name' : `has a file name of over ${room} octets`;
    report.add(place, what, why, 'use a shorter name, or leave it out');
    return [];
  }
  if (isHttp) {
    const forAll = Object.keys(guard).every((field) => field === 'classes');
    const entry = { ...guard, httpUrl: file };
    // Without a condition, the URL would be for the firmware's own HTTP boot only.
    return forAll ? [entry, { ...entry, userClass: 'iPXE' }] : [entry];
  }
  const server = boot.nextServer ?? 0;
  const name = boot.serverName ?? '';
  const fits = utf8(name).length < SNAME_LENGTH;
  if (!fits) report.add(place, what, 'has a server name of over 63 octets', 'use a shorter one');
  return [
    {
      ...guard,
      ...(server !== 0 && { nextServer: formatIpv4(server) }),
      ...(name !== '' && fits && { serverName: name }),
      file,
    },
  ];
}
