import { type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { utf8 } from '../../../codec/v4/kind.ts';
import type { BootConfig } from '../../../crds/types/serverconfig.ts';
import type { Extra } from './blocks.ts';
import type { ClassSet } from './classes.ts';
import { OPTION, type Request } from './request.ts';
import { encodeOption } from './settings.ts';
import { userClassesOf } from './values.ts';

/** How a client boots, by its vendor class (PXE 2.1 §2.2, UEFI 2.10 §24.7). */
export type BootKind = 'plain' | 'PXEClient' | 'HTTPClient';

/** What the boot table says to a client. */
export interface BootAnswer {
  readonly entry: BootConfig;
  /** Its place in the table. */
  readonly index: number;
  readonly kind: BootKind;
}

/** PXE_DISCOVERY_CONTROL 8: no discovery of boot servers, boot the file that is named (PXE 2.1 §2.2.3). */
const BOOT_THE_FILE = Uint8Array.of(6, 1, 8, 255);
const HTTP_CLIENT = 'HTTPClient';
const PXE_CLIENT = 'PXEClient';

/** Looks up what a client boots; null when the table has nothing for it. */
export function selectBoot(
  table: readonly BootConfig[],
  request: Request,
  classes: ClassSet,
): BootAnswer | null {
  if (table.length === 0) return null;
  const kind = kindOf(request);
  for (const [index, entry] of table.entries()) {
    if (fits(entry, request, classes, kind)) return { entry, index, kind };
  }
  return null;
}

/** How a client boots. */
export function kindOf(request: Request): BootKind {
  if (startsWith(request, PXE_CLIENT)) return PXE_CLIENT;
  return startsWith(request, HTTP_CLIENT) ? HTTP_CLIENT : 'plain';
}

/** The options that go with what is booted, and a number that stands for them; a client that is told to boot by PXE or HTTP gets its own kind back. */
export function bootOptions({ entry, kind }: BootAnswer): Extra {
  const options = new Map<number, Uint8Array>();
  const { serverName, file, http } = entry;
  if (serverName !== null)
    options.set(OPTION.tftpServerName, encodeOption(OPTION.tftpServerName, utf8(serverName)));
  options.set(OPTION.bootFileName, encodeOption(OPTION.bootFileName, utf8(file)));
  if (kind !== 'plain')
    options.set(OPTION.vendorClass, encodeOption(OPTION.vendorClass, utf8(kind)));
  if (kind === PXE_CLIENT && !http) {
    options.set(OPTION.vendorSpecific, encodeOption(OPTION.vendorSpecific, BOOT_THE_FILE));
  }
  return options;
}

/** A number for the options of an answer, unlike those of others in the same table; never 0. */
export function variantOf({ index, kind }: BootAnswer): number {
  return 3 * index + (kind === 'plain' ? 1 : kind === PXE_CLIENT ? 2 : 3);
}

/** What goes into `siaddr`: the server to load from, this one when none is named (RFC 2131 §2). */
export function nextServer({ entry }: BootAnswer, self: Ipv4): Ipv4 {
  if (entry.http) return UNSPECIFIED;
  return entry.nextServer ?? self;
}

function fits(entry: BootConfig, request: Request, classes: ClassSet, kind: BootKind): boolean {
  const { architectures, userClass, vendorClass } = entry;
  if (architectures.length > 0 && !hasArchitecture(request, architectures)) return false;
  if (userClass !== null && !hasUserClass(request, userClass)) return false;
  if (vendorClass !== null && !startsWith(request, vendorClass)) return false;
  if (entry.classes.length > 0 && !entry.classes.some((c) => classes.names.includes(c)))
    return false;
  // RFC 5970 §3, UEFI 2.10 §24.7.3: who boots by HTTP wants a URL; who does not can do nothing with one, unless the
  // entry says for whom it is.
  if (!entry.http) return kind !== HTTP_CLIENT;
  return (
    kind === HTTP_CLIENT || architectures.length > 0 || userClass !== null || vendorClass !== null
  );
}

// RFC 4578 §2.1: by option 93, not by the text of option 60.
function hasArchitecture(request: Request, architectures: readonly number[]): boolean {
  const at = request.find(OPTION.architecture);
  const end = at + request.length;
  for (let i = at; at >= 0 && i + 1 < end; i += 2) {
    if (architectures.includes((request.bytes[i]! << 8) | request.bytes[i + 1]!)) return true;
  }
  return false;
}

function hasUserClass(request: Request, userClass: string): boolean {
  const at = request.find(OPTION.userClass);
  if (at < 0) return false;
  return userClassesOf(request.bytes.subarray(at, at + request.length)).includes(userClass);
}

function startsWith(request: Request, text: string): boolean {
  const at = request.find(OPTION.vendorClass);
  if (at < 0 || request.length < text.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (request.bytes[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}
