import { formatHardwareAddress, hex } from '../../codec/hardware.ts';
import { broadcastOf, contains, formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import { fromUtf8, utf8 } from '../../codec/v4/kind.ts';
import { OPTION } from '../../codec/v4/options.ts';
import type { Octets, Reservation as ReservationYaml } from '../../crds/types/dhcpsubnet.ts';
import { type BootContext, bootTable } from './boots.ts';
import type { Classes } from './classes.ts';
import { conditionOf } from './clients.ts';
import { forbid, isSilent, levelYaml } from './levels.ts';
import type { Class, Client, Reservation, ServerModel, Subnet } from './model.ts';
import { printable, selector } from './optionyaml.ts';
import type { Report } from './report.ts';

/** As many as a subnet has room for. */
const RESERVATIONS_MAX = 8192;
const HOSTNAME_MAX = 63;

/** Classes that may stand for reservations without an address; the rest of 64 is for those of the file. */
const CLASSES_MAX = 32;

/** Puts reservations that hold everywhere where they belong. */
export function placeReservations(
  model: ServerModel,
  subnets: readonly Subnet[],
  report: Report,
): void {
  const classes: Class[] = [];
  for (const one of model.reservations) {
    const { address, place, what } = one;
    if (address === null) {
      anywhere(one, subnets, classes);
      continue;
    }
    const home = subnets.find(({ prefix }) => contains(prefix, address));
    if (home !== undefined) home.reservations.push(one);
    else {
      const why = `${formatIpv4(address)} is in none of the subnets`;
      report.add(place, what, why, 'add its subnet, and the reservation there');
    }
  }
  model.classes.unshift(...classes);
}

// Wherever the client comes: a class says it once.
function anywhere(one: Reservation, subnets: readonly Subnet[], classes: Class[]): void {
  if (one.hostname === null && isSilent(one.level)) return;
  if (subnets.length > 1 && classes.length < CLASSES_MAX) classes.push(classOf(one));
  else for (const subnet of subnets) subnet.reservations.push(one);
}

function classOf({ place, what, client, hostname, level }: Reservation): Class {
  const name = hostname === null ? null : hostnameOf(hostname);
  if (name !== null) level.options.set(OPTION.hostName, utf8(name));
  return { place, name: what, when: conditionOf(client), refuse: false, level };
}

/** The reservations of a subnet as manifests have them. */
export function reservationsYaml(
  subnet: Subnet,
  outer: BootContext,
  classes: Classes,
  report: Report,
): ReservationYaml[] | undefined {
  const clients = new Map<string, string>();
  const addresses = new Map<Ipv4, string>();
  const written: ReservationYaml[] = [];
  for (const one of subnet.reservations) {
    const { place, what } = one;
    const fault = faultOf(one, subnet, clients, addresses);
    if (fault !== null) {
      report.add(place, what, fault, 'give each address to one client, or write it by hand');
      continue;
    }
    if (written.length >= RESERVATIONS_MAX) {
      report.add(place, what, 'the subnet has too many reservations', 'write a DhcpLease for it');
      continue;
    }
    written.push(reservationYaml(one, outer, classes, report));
  }
  return written.length === 0 ? undefined : written;
}

function faultOf(
  { client, address, what }: Reservation,
  { prefix }: Subnet,
  clients: Map<string, string>,
  addresses: Map<Ipv4, string>,
): string | null {
  const { octets } = client;
  const max = client.kind === 'hardwareAddress' ? 16 : 255;
  if (octets.length === 0 || octets.length > max)
    return `names its client by ${octets.length} octets`;
  const key = `${client.kind} ${client.kind === 'option' ? client.code : 0} ${hex(octets)}`;
  const namesake = clients.get(key);
  if (namesake !== undefined) return `is for the same client as ${namesake}`;
  if (address !== null) {
    const isEnd = address === prefix.address || address === broadcastOf(prefix);
    if (prefix.length < 31 && isEnd)
      return `${formatIpv4(address)} is no host's address in its subnet`;
    const owner = addresses.get(address);
    if (owner !== undefined) return `${formatIpv4(address)} is given to ${owner} already`;
    addresses.set(address, what);
  }
  clients.set(key, what);
  return null;
}

function reservationYaml(
  one: Reservation,
  outer: BootContext,
  classes: Classes,
  report: Report,
): ReservationYaml {
  const { address, level, place, what } = one;
  const mention = { place, what, report };
  forbid(level, ['minLeaseTime', 'maxLeaseTime', 'ipv6OnlyWait'], mention);
  const hostname = one.hostname === null ? null : hostnameOf(one.hostname);
  if (hostname === null && one.hostname !== null) {
    report.add(place, what, `"${one.hostname}" is no name for option 12`, 'set hostname by hand');
  }
  const boot = bootTable(level, outer, classes, mention);
  return {
    ...(address !== null && { address: formatIpv4(address) }),
    ...clientYaml(one.client),
    ...(hostname !== null && { hostname }),
    ...levelYaml(level),
    ...(boot !== undefined && { boot }),
  };
}

/** A name that a DhcpLease or a reservation may give; null when it may not. */
export function hostnameOf(name: string): string | null {
  const fits = name.length > 0 && name.length <= HOSTNAME_MAX && !/[\p{C}\s]/u.test(name);
  return fits ? name : null;
}

/** The client as manifests name it. */
function clientYaml(client: Client): Partial<ReservationYaml> {
  switch (client.kind) {
    case 'hardwareAddress':
      return { hardwareAddress: formatHardwareAddress(client.octets) };
    case 'clientId':
      // Text is matched with and without the type octet in front, hex is matched as it is.
      return { clientId: client.isText ? octetsYaml(client.octets) : { hex: hex(client.octets) } };
    case 'circuitId':
      return { circuitId: octetsYaml(client.octets) };
    case 'remoteId':
      return { remoteId: octetsYaml(client.octets) };
    case 'option':
      return { option: { ...selector(client.code), ...octetsYaml(client.octets) } };
  }
}

/** As text where it is printable, else in hex. */
function octetsYaml(octets: Uint8Array): Octets {
  const text = printable(octets);
  const same =
    text !== null && Buffer.compare(utf8(text), octets) === 0 && fromUtf8(octets) === text;
  return same && octets.length > 1 ? { text } : { hex: hex(octets) };
}
