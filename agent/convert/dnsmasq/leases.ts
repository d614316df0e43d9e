import { unhex } from '../../../codec/hardware.ts';
import { parseIpv4 } from '../../../codec/ipv4.ts';
import type { WallMillis } from '../../../codec/machine.ts';
import type { ImportedLease } from '../model.ts';
import type { Report } from '../report.ts';
import { labelOf, type SourceFile } from '../source.ts';

const NEVER = Number.POSITIVE_INFINITY as WallMillis;

/** Reads dnsmasq.leases: `ENDS HARDWARE ADDRESS NAME CLIENT-ID`, a line each; those of IPv6 are passed over. */
export function readDnsmasqLeases(file: SourceFile, report: Report): ImportedLease[] {
  const label = labelOf(file.path);
  const leases: ImportedLease[] = [];
  for (const [i, line] of file.text.split('\n').entries()) {
    if (line.trim() === '') continue;
    // From here on they are of DHCPv6.
    if (line.startsWith('duid ')) break;
    const place = { file: label, line: i + 1 };
    const lease = leaseOf(line.trim().split(/\s+/), place);
    if (lease !== null) leases.push(lease);
    else report.add(place, line, 'is no lease', 'nothing to do: the client will renew');
  }
  return leases;
}

/** The latest that times of 32 bits can be, in seconds. */
const TIME_MAX = 0xffffffff;

function leaseOf(cells: readonly string[], place: ImportedLease['place']): ImportedLease | null {
  const [ends = '', hardware = '', ip = '', name = '*', id = '*'] = cells;
  const address = parseIpv4(ip);
  if (address === null || !/^\d{1,10}$/.test(ends)) return null;
  const [, type, octets = ''] = /^(?:([\da-f]{2})-)?([\da-f:]*)$/i.exec(hardware) ?? [];
  const clientId = unhex(id);
  const expires = ends === '0' ? NEVER : ((Math.min(Number(ends), TIME_MAX) * 1000) as WallMillis);
  return {
    place,
    address,
    state: 'bound',
    hardwareType: type === undefined ? 1 : Number.parseInt(type, 16),
    hardwareAddress: (unhex(octets) ?? new Uint8Array()).subarray(0, 16),
    clientId: clientId === null || clientId.length === 0 || clientId.length > 255 ? null : clientId,
    // When it began is not written.
    starts: 0 as WallMillis,
    lastTransaction: 0 as WallMillis,
    expires,
    hostname: name === '*' ? null : name,
    fqdn: null,
    vendorClass: null,
    relayInformation: null,
  };
}
