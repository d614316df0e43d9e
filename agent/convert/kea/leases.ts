import { hex, parseHardwareAddress, unhex } from '../../../codec/hardware.ts';
import { type Ipv4, parseIpv4 } from '../../../codec/ipv4.ts';
import type { WallMillis } from '../../../codec/machine.ts';
import { INFINITE } from '../../../codec/v4/header.ts';
import type { ImportedLease } from '../model.ts';
import type { Report } from '../report.ts';
import { type Files, labelOf, type SourceFile } from '../source.ts';

const NEVER = Number.POSITIVE_INFINITY as WallMillis;

/**
 * Reads a lease file of Kea's memfile, with what its clean-up has left beside it: of several records of an address the
 * last one counts.
 */
export function readKeaLeases(file: SourceFile, report: Report, files: Files): ImportedLease[] {
  const leases = new Map<Ipv4, ImportedLease>();
  for (const one of [...leftBeside(file, files), file]) readFile(one, leases, report);
  return [...leases.values()];
}

/** As Kea reads them: `.completed` stands for both of those that it was made of. */
function leftBeside(file: SourceFile, files: Files): SourceFile[] {
  const read = (suffix: string): SourceFile[] => {
    const path = file.path + suffix;
    const text = files.read(path);
    return text === null ? [] : [{ path, text }];
  };
  const completed = read('.completed');
  return completed.length > 0 ? completed : [...read('.2'), ...read('.1')];
}

function readFile(file: SourceFile, leases: Map<Ipv4, ImportedLease>, report: Report): void {
  const label = labelOf(file.path);
  const lines = file.text.split('\n');
  const columns = new Map(
    (lines[0] ?? '')
      .trim()
      .split(',')
      .map((name, i) => [name, i]),
  );
  if (!columns.has('address') || !columns.has('expire')) {
    const place = { file: label, line: 1 };
    report.add(
      place,
      'the file',
      'is no lease file of DHCPv4: its first line names no columns',
      'name another',
    );
    return;
  }
  for (const [i, line] of lines.entries()) {
    if (i === 0 || line.trim() === '') continue;
    const cells = line.trim().split(',');
    const lease = leaseOf((name) => cells[columns.get(name) ?? -1] ?? '', {
      file: label,
      line: i + 1,
    });
    if (lease === null) {
      report.add(
        { file: label, line: i + 1 },
        line,
        'is no lease',
        'nothing to do: the client will renew',
      );
    } else if (lease === 'gone') {
      leases.delete(parseIpv4(cells[columns.get('address')!]!)!);
    } else {
      leases.set(lease.address, lease);
    }
  }
}

/** Why states are numbers: they are those of Kea's `Lease`. */
const DEFAULT = 0;
const DECLINED = 1;

function leaseOf(
  cell: (name: string) => string,
  place: ImportedLease['place'],
): ImportedLease | 'gone' | null {
  const address = parseIpv4(cell('address'));
  const lifetime = secondsOf(cell('valid_lifetime'));
  const expire = secondsOf(cell('expire'));
  const state = Number(cell('state') || '0');
  if (address === null || lifetime === null || expire === null) return null;
  // How Kea writes that a lease was deleted.
  if (lifetime === 0) return 'gone';
  const last = (lifetime === INFINITE ? expire : Math.max(expire - lifetime, 0)) * 1000;
  const clientId = unhex(cell('client_id'));
  return {
    place,
    address,
    state: state === DEFAULT ? 'bound' : state === DECLINED ? 'declined' : 'free',
    hardwareType: 1,
    hardwareAddress: parseHardwareAddress(cell('hwaddr')) ?? new Uint8Array(),
    clientId: clientId === null || clientId.length === 0 || clientId.length > 255 ? null : clientId,
    starts: last as WallMillis,
    lastTransaction: last as WallMillis,
    expires: lifetime === INFINITE ? NEVER : ((expire * 1000) as WallMillis),
    hostname: plain(cell('hostname')).replace(/\.$/, '') || null,
    fqdn: null,
    vendorClass: null,
    relayInformation: relayInformationOf(plain(cell('user_context'))),
  };
}

function secondsOf(cell: string): number | null {
  return /^\d{1,10}$/.test(cell) ? Math.min(Number(cell), INFINITE) : null;
}

// Kea writes commas, of which it makes columns, as `&#x2c`.
function plain(cell: string): string {
  return cell.replaceAll('&#x2c', ',');
}

/** Option 82, which Kea keeps with the lease when it is told to store extended information. */
function relayInformationOf(context: string): Uint8Array | null {
  const found = /"(?:relay-agent-info|sub-options)"\s*:\s*"0x([\da-fA-F]+)"/.exec(context)?.[1];
  const octets = found === undefined ? null : unhex(found);
  // Some versions keep the code and the length in front.
  const isWhole = octets !== null && octets[0] === 82 && octets[1] === octets.length - 2;
  const data = isWhole ? octets.subarray(2) : octets;
  return data === null || hex(data) === '' || data.length > 255 ? null : data;
}
