import { formatUuid, parseUuid } from '../duid.ts';
import { record } from './compound.ts';
import { copyOf, joined, type Kind, refuse } from './kind.ts';
import { list, named, u8, u16 } from './kinds.ts';

/** What a machine can boot, by its number in option 93 (IANA registry "Processor Architecture Types", RFC 5970). */
export const ARCHITECTURES: ReadonlyMap<number, string> = new Map([
  [0, 'x86-bios'],
  [1, 'nec-pc98'],
  [2, 'itanium'],
  [3, 'dec-alpha'],
  [4, 'arc-x86'],
  [5, 'intel-lean-client'],
  [6, 'x86-uefi'],
  [7, 'x64-uefi'],
  [8, 'xscale-uefi'],
  [9, 'ebc'],
  [10, 'arm32-uefi'],
  [11, 'arm64-uefi'],
  [12, 'powerpc-open-firmware'],
  [13, 'powerpc-epapr'],
  [14, 'power-opal'],
  [15, 'x86-uefi-http'],
  [16, 'x64-uefi-http'],
  [17, 'ebc-http'],
  [18, 'arm32-uefi-http'],
  [19, 'arm64-uefi-http'],
  [20, 'x86-bios-http'],
  [21, 'arm32-uboot'],
  [22, 'arm64-uboot'],
  [23, 'arm32-uboot-http'],
  [24, 'arm64-uboot-http'],
  [25, 'riscv32-uefi'],
  [26, 'riscv32-uefi-http'],
  [27, 'riscv64-uefi'],
  [28, 'riscv64-uefi-http'],
  [29, 'riscv128-uefi'],
  [30, 'riscv128-uefi-http'],
  [31, 's390-basic'],
  [32, 's390-extended'],
  [33, 'mips32-uefi'],
  [34, 'mips64-uefi'],
  [35, 'sunway32-uefi'],
  [36, 'sunway64-uefi'],
  [37, 'loongarch32-uefi'],
  [38, 'loongarch32-uefi-http'],
  [39, 'loongarch64-uefi'],
  [40, 'loongarch64-uefi-http'],
  [41, 'arm-rpiboot'],
]);

/** Option 93: every architecture the client can boot as, the preferred one first (RFC 4578 §2.1). */
export const architectures: Kind<readonly number[]> = {
  ...list(named(u16, ARCHITECTURES)),
  name: 'architectures',
};

const interfaceType = named(
  u8,
  new Map([
    [0, 'none'],
    [1, 'undi'],
  ]),
);

/** Option 94: the network interface its boot ROM offers (RFC 4578 §2.2). */
export const networkInterface: Kind<{
  readonly type: number;
  readonly major: number;
  readonly minor: number;
}> = {
  ...record('networkInterface', { type: interfaceType, major: u8, minor: u8 }),
  example: { type: 'undi', major: 3, minor: 16 },
  print: ({ type, major, minor }) => `${interfaceType.print(type)} ${major}.${minor}`,
};

/** The only type there is: a GUID follows (RFC 4578 §2.3). */
const GUID = 0;

/** Option 97: the machine's UUID, as 16 octets in network order; on the wire its first three fields are little-endian. */
export const machineIdentifier: Kind<Uint8Array> = {
  name: 'machineIdentifier',
  size: 17,
  example: '4c4c4544-0051-3510-8042-b5c04f4d3232',
  schema: { type: 'string', format: 'uuid' },
  decode: (bytes) => (bytes.length === 17 && bytes[0] === GUID ? swapped(bytes.subarray(1)) : null),
  encode: (value) => joined([Uint8Array.of(GUID), swapped(value)]),
  print: formatUuid,
  fromYaml: (yaml) => {
    const value = typeof yaml === 'string' ? parseUuid(yaml) : null;
    return value === null
      ? refuse(yaml, 'a UUID such as 4c4c4544-0051-3510-8042-b5c04f4d3232')
      : { value };
  },
};

/** SMBIOS (DSP0134 §7.2.1) keeps time-low, time-mid and time-high little-endian, and boot ROMs send them so. */
function swapped(guid: Uint8Array): Uint8Array {
  const copy = copyOf(guid);
  copy.subarray(0, 4).reverse();
  copy.subarray(4, 6).reverse();
  copy.subarray(6, 8).reverse();
  return copy;
}
