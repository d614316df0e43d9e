import { parseDuration } from '../duration.ts';
import type { DhcpOptions } from '../types/dhcpoptions.ts';
import type { BootEntry } from '../types/dhcpsubnet.ts';
import type { SettingsConfig } from '../types/serverconfig.ts';
import type { Findings } from './findings.ts';
import { compileBoot } from './serverboot.ts';
import { compileOptions } from './serveroptions.ts';

/** What any level may say. */
export interface LevelSpec {
  readonly options?: DhcpOptions;
  readonly boot?: readonly BootEntry[];
  readonly leaseTime?: string;
  readonly minLeaseTime?: string;
  readonly maxLeaseTime?: string;
  readonly ipv6OnlyWait?: string;
}

/** 2³² - 1 seconds would mean for ever (RFC 2131 §3.3). */
const SECONDS_MAX = 0xfffffffe;
/** MIN_V6ONLY_WAIT (RFC 8925 §3.4). */
const IPV6_ONLY_WAIT_MIN = 300;

/** Compiles the settings of every level of one specification. */
export class Levels {
  readonly findings: Findings;
  private readonly classes: ReadonlySet<string>;

  constructor(classes: ReadonlySet<string>, findings: Findings) {
    this.classes = classes;
    this.findings = findings;
  }

  settings(level: LevelSpec, path: string): SettingsConfig {
    const { findings } = this;
    const settings: SettingsConfig = {
      options: compileOptions(level.options, `${path}.options`, findings),
      boot: compileBoot(level.boot, `${path}.boot`, this.classes, findings),
      leaseTime: this.seconds(level.leaseTime, `${path}.leaseTime`),
      minLeaseTime: this.seconds(level.minLeaseTime, `${path}.minLeaseTime`),
      maxLeaseTime: this.seconds(level.maxLeaseTime, `${path}.maxLeaseTime`),
      ipv6OnlyWait: this.seconds(level.ipv6OnlyWait, `${path}.ipv6OnlyWait`),
    };
    this.checkTimes(settings, path);
    return settings;
  }

  /** A duration in milliseconds, or the default. */
  millis(text: string | undefined, otherwise: number, path: string): number {
    const value = text === undefined ? otherwise : parseDuration(text);
    if (value !== null) return value;
    const message = `"${text}" is not a duration such as 90s, 8h or 1h30m`;
    this.findings.problem(path, 'InvalidDuration', message);
    return otherwise;
  }

  private seconds(text: string | undefined, path: string): number | null {
    if (text === undefined) return null;
    const seconds = this.millis(text, 60_000, path) / 1000;
    if (seconds < 1 || seconds > SECONDS_MAX || !Number.isInteger(seconds)) {
      const message = `"${text}" is not a whole number of seconds from 1 to ${SECONDS_MAX}`;
      this.findings.problem(path, 'InvalidDuration', message);
      return null;
    }
    return seconds;
  }

  private checkTimes(settings: SettingsConfig, path: string): void {
    const { minLeaseTime, maxLeaseTime, leaseTime, ipv6OnlyWait } = settings;
    const min = minLeaseTime ?? 0;
    const max = maxLeaseTime ?? Number.POSITIVE_INFINITY;
    if (min > max) {
      const message = 'is more than maxLeaseTime: swap them';
      this.findings.problem(`${path}.minLeaseTime`, 'Contradiction', message);
    } else if (leaseTime !== null && (leaseTime < min || leaseTime > max)) {
      const message = 'does not lie between minLeaseTime and maxLeaseTime';
      this.findings.problem(`${path}.leaseTime`, 'Contradiction', message);
    }
    if (ipv6OnlyWait !== null && ipv6OnlyWait < IPV6_ONLY_WAIT_MIN) {
      const message = 'is less than the 5 minutes that clients wait at least: write 5m or more';
      this.findings.problem(`${path}.ipv6OnlyWait`, 'TooShort', message);
    }
  }
}
