import type { Millis, WallMillis } from '../../codec/machine.ts';
import { parseMoment } from '../../crds/compile/moment.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';

interface Column {
  readonly title: string;
  /** As wide as what mostly stands in it, for rows that come later. */
  readonly width: number;
  cell(lease: DhcpLease, now: WallMillis): string | undefined;
}

const COLUMNS: readonly Column[] = [
  { title: 'IP', width: 15, cell: ({ spec }) => spec.address },
  { title: 'MAC', width: 17, cell: macOf },
  { title: 'HOSTNAME', width: 12, cell: ({ spec, status }) => status?.hostname ?? spec.hostname },
  { title: 'STATE', width: 11, cell: ({ status }) => status?.state },
  { title: 'EXPIRES', width: 7, cell: ends },
  { title: 'SERVER', width: 6, cell: ({ spec }) => spec.serverRef.name },
  { title: 'RELAY', width: 15, cell: ({ status }) => status?.relay?.giaddr },
];

const WIDE: readonly Column[] = [
  ...COLUMNS,
  { title: 'CLIENT-ID', width: 20, cell: clientIdOf },
  { title: 'SUBNET', width: 15, cell: ({ status }) => status?.subnet },
  { title: 'VENDOR-CLASS', width: 12, cell: ({ status }) => status?.vendorClass },
  { title: 'INTERFACE', width: 9, cell: ({ status }) => status?.interface },
  { title: 'LAST-SEEN', width: 9, cell: lastSeen },
  { title: 'INTENT', width: 10, cell: ({ spec }) => spec.intent },
];

/** Rows under a head, the way `kubectl get` sets them. */
export class LeaseTableText {
  private readonly columns: readonly Column[];
  private readonly widths: number[];

  constructor(wide: boolean) {
    this.columns = wide ? WIDE : COLUMNS;
    this.widths = this.columns.map(({ title }) => title.length);
  }

  /** Makes room for rows that are still to come. */
  makeRoom(): void {
    for (const [i, { width }] of this.columns.entries()) {
      this.widths[i] = Math.max(this.widths[i]!, width);
    }
  }

  head(): string {
    return this.line(this.columns.map(({ title }) => title));
  }

  /** One line each; columns get as wide as these rows need. */
  rows(leases: readonly DhcpLease[], now: WallMillis): string[] {
    const rows = leases.map((lease) =>
      this.columns.map(({ cell }) => shown(cell(lease, now) ?? '<none>')),
    );
    for (const row of rows) {
      for (const [i, cell] of row.entries()) {
        this.widths[i] = Math.max(this.widths[i]!, cell.length);
      }
    }
    return rows.map((row) => this.line(row));
  }

  private line(cells: readonly string[]): string {
    return cells
      .map((cell, i) => cell.padEnd(this.widths[i]!))
      .join('   ')
      .trimEnd();
  }
}

/** A duration as kubectl shows an age: two units while the first is small. */
export function humanDuration(duration: Millis): string {
  const seconds = Math.floor(duration / 1000);
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return two(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? two(years, 'y', days % 365, 'd') : `${years}y`;
}

function two(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${unit}` : `${large}${unit}${small}${smallUnit}`;
}

function macOf({ spec, status }: DhcpLease): string | undefined {
  return status?.hardwareAddress ?? spec.hardwareAddress;
}

function clientIdOf({ spec, status }: DhcpLease): string | undefined {
  return status?.clientId ?? spec.clientId?.hex ?? spec.clientId?.text;
}

function ends({ status }: DhcpLease, now: WallMillis): string | undefined {
  const at = status?.expires === undefined ? null : parseMoment(status.expires);
  if (at !== null) return humanDuration(at - now);
  return status?.state === 'Bound' || status?.state === 'Quarantined' ? 'never' : undefined;
}

function lastSeen({ status }: DhcpLease, now: WallMillis): string | undefined {
  const at = status?.lastTransaction === undefined ? null : parseMoment(status.lastTransaction);
  return at === null ? undefined : humanDuration(now - at);
}

// What a client calls itself must neither end the line nor steer the terminal.
function shown(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}
