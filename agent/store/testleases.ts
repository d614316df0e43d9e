import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { hex } from '../../codec/hardware.ts';
import type { Ipv4 } from '../../codec/ipv4.ts';
import { STATES } from '../core/lease/record.ts';
import type { Lease } from '../core/lease.ts';

/** 2026-01-01, so that times look like times. */
export const NEW_YEAR = 1_767_225_600_000;

/** The `n`th address of 10.0.0.0/8. */
export function address(n: number): Ipv4 {
  return (0x0a000000 + n) as Ipv4;
}

/** A lease of the `n`th client for the `n`th address, the way a Windows client behind a relay looks. */
export function aLease(n: number, differing: Partial<Lease> = {}): Lease {
  const octets = [n >>> 24, n >>> 16, n >>> 8, n];
  return {
    address: address(n),
    state: 'bound',
    hardwareType: 1,
    hardwareAddress: Uint8Array.of(2, 0, ...octets),
    clientId: Uint8Array.of(1, 2, 0, ...octets),
    subnet: '10.0.0.0/8',
    starts: NEW_YEAR,
    lastTransaction: NEW_YEAR,
    expires: NEW_YEAR + 3_600_000,
    leaseSeconds: 3600,
    serverIdentifier: address(1),
    giaddr: address(1),
    relayInformation: Uint8Array.from([1, 4, 0x65, 0x74, 0x68, 0x30, 2, 6, 2, 0, ...octets]),
    interfaceName: 'eth0',
    hostname: `workstation-${n}`,
    fqdn: null,
    vendorClass: Uint8Array.from('MSFT 5.0', (letter) => letter.charCodeAt(0)),
    userClass: null,
    architecture: null,
    epoch: 0,
    reserved: false,
    bootp: false,
    ...differing,
  };
}

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const time = fc.oneof(
  fc.integer({ min: NEW_YEAR, max: NEW_YEAR + 86_400_000 }),
  fc.double({ min: 1, max: 1e15, noNaN: true }),
);
const someBytes = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ minLength: 1, maxLength: 12 }),
  fc.uint8Array({ minLength: 1, maxLength: 400 }),
);
const someText = fc.oneof(
  fc.constant(null),
  fc.string({ minLength: 1, maxLength: 20 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 150 }),
);

/** Any lease; `clients` and `addresses` few, so that they meet. */
export const anyLease = (clients: number, addresses: number): fc.Arbitrary<Lease> =>
  fc.record(
    {
      address: fc.integer({ min: 0, max: addresses - 1 }).map(address),
      state: fc.constantFrom(...STATES),
      hardwareType: fc.constantFrom(0, 1, 32),
      hardwareAddress: fc
        .integer({ min: 0, max: clients - 1 })
        .map((n) => (n === 0 ? new Uint8Array(0) : Uint8Array.of(2, 0, 0, 0, 0, n))),
      clientId: fc
        .integer({ min: 0, max: clients - 1 })
        .map((n) => (n === 0 ? null : new Uint8Array(n).fill(n))),
      subnet: fc.constantFrom('', 'a', 'b', 'Gebäude 7'),
      starts: time,
      lastTransaction: time,
      expires: fc.oneof(time, fc.constant(Number.POSITIVE_INFINITY)),
      leaseSeconds: u32,
      serverIdentifier: u32 as fc.Arbitrary<Ipv4>,
      giaddr: u32 as fc.Arbitrary<Ipv4>,
      relayInformation: someBytes,
      interfaceName: someText,
      hostname: someText,
      fqdn: someText,
      vendorClass: someBytes,
      userClass: someBytes,
      architecture: someBytes,
      epoch: u32,
      reserved: fc.boolean(),
      bootp: fc.boolean(),
    },
    { noNullPrototype: true },
  );

/** A lease as text, to be compared and sorted. */
export function written(lease: Lease): string {
  const fields = Object.entries(lease).map(([name, value]) =>
    value instanceof Uint8Array ? `${name} ${hex(value)}` : `${name} ${value}`,
  );
  return fields.sort().join('\n');
}

/** Runs with a directory of its own, which is removed afterwards. */
export async function withDirectory<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'dhcp-leases-'));
  try {
    return await run(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
