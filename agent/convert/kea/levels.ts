import { parseIpv4 } from '../../../codec/ipv4.ts';
import type { Level } from '../model.ts';
import type { Report } from '../report.ts';
import type { Fields } from './fields.ts';

/** Lease times, at any level. */
export function readTimes(fields: Fields, level: Level): void {
  const seconds = (name: string): number | undefined => {
    const value = fields.number(name);
    return value === undefined || value < 1 ? undefined : Math.min(value, 0xffffffff);
  };
  const leaseTime = seconds('valid-lifetime');
  const minLeaseTime = seconds('min-valid-lifetime');
  const maxLeaseTime = seconds('max-valid-lifetime');
  const renewal = seconds('renew-timer');
  const rebinding = seconds('rebind-timer');
  // Where a level says one of the three, it speaks of all: nobody gets less or more than it allows.
  const bound = leaseTime ?? minLeaseTime ?? maxLeaseTime;
  Object.assign(level, {
    ...(leaseTime !== undefined && { leaseTime }),
    ...(bound !== undefined && {
      minLeaseTime: minLeaseTime ?? bound,
      maxLeaseTime: maxLeaseTime ?? bound,
    }),
    ...(renewal !== undefined && {
      renewalTime: { seconds: renewal, place: fields.placeOf('renew-timer') },
    }),
    ...(rebinding !== undefined && {
      rebindingTime: { seconds: rebinding, place: fields.placeOf('rebind-timer') },
    }),
  });
}

/** What to boot, at any level. */
export function readBoot(fields: Fields, level: Level, report: Report): void {
  const server = fields.text('next-server');
  const file = fields.text('boot-file-name');
  const serverName = fields.text('server-hostname');
  const address = server === undefined ? null : parseIpv4(server);
  if (server !== undefined && address === null) {
    report.add(
      fields.placeOf('next-server'),
      `next-server ${server}`,
      'is no IPv4 address',
      'write its address',
    );
  }
  if (address !== null && address !== 0) level.boot.nextServer = address;
  if (file !== undefined) level.boot.file = file;
  if (serverName !== undefined) level.boot.serverName = serverName;
}
