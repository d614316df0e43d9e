import { type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { encodeMessage } from '../../../codec/v4/encode.ts';
import * as H from '../../../codec/v4/header.ts';
import { ipv4, u8List, u16List } from '../../../codec/v4/kinds.ts';
import type { Message, Option } from '../../../codec/v4/message.ts';
import { SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import { OPTION } from './request.ts';

/** A client to ask about: what it would send. */
export interface Question {
  readonly hardwareAddress: Uint8Array;
  readonly clientId?: Uint8Array;
  readonly giaddr?: Ipv4;
  readonly circuitId?: Uint8Array;
  readonly remoteId?: Uint8Array;
  readonly linkSelection?: Ipv4;
  readonly requestedAddress?: Ipv4;
  readonly architecture?: number;
  readonly vendorClass?: Uint8Array;
  readonly userClass?: Uint8Array;
  readonly hostname?: Uint8Array;
  /** Codes that it asks for; by default what most do. */
  readonly ask?: readonly number[];
}

/** Subnet mask, routers, DNS, domain, NTP, search list, routes. */
const USUAL = [1, 3, 6, 15, 42, 119, 121];

/** The DHCPDISCOVER of a client. */
export function questionMessage(question: Question): Uint8Array {
  const message: Message = {
    op: H.BOOTREQUEST,
    htype: H.HTYPE_ETHERNET,
    hops: 0,
    xid: 0,
    secs: 0,
    flags: 0,
    ciaddr: UNSPECIFIED,
    yiaddr: UNSPECIFIED,
    siaddr: UNSPECIFIED,
    giaddr: question.giaddr ?? UNSPECIFIED,
    chaddr: question.hardwareAddress,
    sname: new Uint8Array(),
    file: new Uint8Array(),
    hasCookie: true,
    options: optionsOf(question),
  };
  return encodeMessage(message, { maxBytes: 1472, overload: false }).bytes;
}

function optionsOf(question: Question): readonly Option[] {
  const options: Option[] = [
    { code: OPTION.messageType, data: Uint8Array.of(H.DHCPDISCOVER) },
    { code: OPTION.parameterRequestList, data: u8List.encode(question.ask ?? USUAL) },
  ];
  const add = (code: number, data: Uint8Array | undefined): void => {
    if (data !== undefined) options.push({ code, data });
  };
  const { requestedAddress, architecture } = question;
  add(OPTION.requestedAddress, requestedAddress && ipv4.encode(requestedAddress));
  add(OPTION.clientIdentifier, question.clientId);
  add(OPTION.hostName, question.hostname);
  add(OPTION.vendorClass, question.vendorClass);
  add(OPTION.userClass, question.userClass);
  if (architecture !== undefined) add(OPTION.architecture, u16List.encode([architecture]));
  const relay = relayInformation(question);
  if (relay.length > 0) add(OPTION.relayInformation, Uint8Array.from(relay));
  return options;
}

function relayInformation({ circuitId, remoteId, linkSelection }: Question): number[] {
  const data: number[] = [];
  const add = (code: number, octets: Uint8Array | undefined): void => {
    if (octets !== undefined) data.push(code, octets.length, ...octets);
  };
  add(SUB_OPTION.circuitId, circuitId);
  add(SUB_OPTION.remoteId, remoteId);
  add(SUB_OPTION.linkSelection, linkSelection && ipv4.encode(linkSelection));
  return data;
}
