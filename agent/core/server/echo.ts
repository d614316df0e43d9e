import { SUB_OPTION, subOptionAt } from '../../../codec/v4/relayinfo.ts';
import { OPTION, type Request } from './request.ts';

/** Octets of an option of so much data, in as many pieces as it takes (RFC 3396). */
export function echoLength(length: number): number {
  return length + 2 * Math.max(1, Math.ceil(length / 255));
}

/** Writes from[start, start + length) as an option, in as many pieces as it takes. Returns the end. */
export function writeEcho(
  bytes: Buffer,
  at: number,
  code: number,
  from: Uint8Array,
  start: number,
  length: number,
): number {
  let end = at;
  let done = 0;
  do {
    const piece = Math.min(length - done, 255);
    bytes[end++] = code;
    bytes[end++] = piece;
    for (let i = 0; i < piece; i++) bytes[end + i] = from[start + done + i]!;
    end += piece;
    done += piece;
  } while (done < length);
  return end;
}

/**
 * Writes option 82 as it came (RFC 3046 §2.2), except that a server which understood the virtual subnet takes
 * sub-option 152 out, by which the relay knows (RFC 6607 §5). Returns the end.
 */
export function writeRelayInformation(
  bytes: Buffer,
  at: number,
  request: Request,
  virtualSubnetUnderstood: boolean,
): number {
  const { relayBytes, relayAt, relayLength } = request;
  const relayEnd = relayAt + relayLength;
  const control = virtualSubnetUnderstood
    ? subOptionAt(relayBytes, relayAt, relayEnd, SUB_OPTION.virtualSubnetControl)
    : -1;
  if (control < 0) {
    return writeEcho(bytes, at, OPTION.relayInformation, relayBytes, relayAt, relayLength);
  }
  const next = control + 2 + relayBytes[control + 1]!;
  const kept = Buffer.concat([
    relayBytes.subarray(relayAt, control),
    relayBytes.subarray(next, relayEnd),
  ]);
  return writeEcho(bytes, at, OPTION.relayInformation, kept, 0, kept.length);
}
