import { fqdn } from '../../../codec/v4/identity.ts';
import { OPTION } from './request.ts';
import { encodeOption } from './settings.ts';

/** A server sets both RCODE fields to this (RFC 4702 §2.2). */
const RCODE = 255;

/**
 * Answers option 81 for a server that leaves the DNS alone: N set, S clear, and O where that is not what the client
 * wanted (RFC 4702 §4). Null when the client's makes no sense.
 */
export function answerFqdn(data: Uint8Array): Uint8Array | null {
  const asked = fqdn.decode(data);
  // RFC 4702 §2.1: N and S must not both be set.
  if (asked === null || (asked.noUpdate && asked.server)) return null;
  const answer = {
    ...asked,
    server: false,
    noUpdate: true,
    overridden: asked.server,
    rcode1: RCODE,
    rcode2: RCODE,
  };
  return encodeOption(OPTION.clientFqdn, fqdn.encode(answer));
}
