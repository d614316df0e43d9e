import { parseHardwareAddress } from '../../../codec/hardware.ts';
import { parseIpv4 } from '../../../codec/ipv4.ts';
import { type Client, newLevel, type Reservation } from '../model.ts';
import type { Report } from '../report.ts';
import type { ClassReader } from './classes.ts';
import type { Fields } from './fields.ts';
import { readBoot } from './levels.ts';
import { newOptionScope, type OptionScope, octetsOf, readOptions } from './options.ts';
import { RESERVATION_REMEDIES } from './remedies.ts';

/** A reservation; null, and reported, when its client cannot be told. */
export function reservationOf(
  fields: Fields,
  outer: OptionScope,
  classes: ClassReader,
  report: Report,
): Reservation | null {
  const { place } = fields;
  const client = clientOf(fields, report);
  if (client === null) return null;
  const level = newLevel();
  readOptions(fields, newOptionScope(level, outer, outer.spaces), report);
  readBoot(fields, level, report);
  const written = fields.text('ip-address');
  const address = written === undefined ? null : parseIpv4(written);
  const what = `reservation ${written ?? fields.text('hostname') ?? ''}`.trim();
  if (written !== undefined && address === null) {
    report.add(place, what, 'has no IPv4 address', 'write its address');
    return null;
  }
  for (const { text } of fields.texts('client-classes')) classes.admit(text, client);
  const hostname = fields.text('hostname') ?? null;
  fields.rest(what, RESERVATION_REMEDIES, report);
  return { place, what, client, address: address === 0 ? null : address, hostname, level };
}

const BY_HAND = 'write a reservation by the hardware address, or by an option';

function clientOf(fields: Fields, report: Report): Client | null {
  const hardware = fields.text('hw-address');
  const clientId = fields.text('client-id');
  const circuit = fields.text('circuit-id');
  for (const name of ['duid', 'flex-id'] as const) {
    const text = fields.text(name);
    if (text === undefined) continue;
    const why =
      name === 'duid'
        ? 'a DUID is only a part of a client identifier'
        : 'expressions cannot tell clients';
    report.add(fields.placeOf(name), `reservation ${name} ${text}`, why, BY_HAND);
    return null;
  }
  const octets =
    hardware === undefined ? octetsOf(clientId ?? circuit ?? '') : parseHardwareAddress(hardware);
  if (octets === null || octets.length === 0) {
    report.add(fields.place, 'reservation', 'names no client', BY_HAND);
    return null;
  }
  if (hardware !== undefined) return { kind: 'hardwareAddress', octets };
  if (clientId === undefined) return { kind: 'circuitId', octets };
  return { kind: 'clientId', octets, isText: false };
}
