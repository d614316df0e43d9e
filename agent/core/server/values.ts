import { fqdn, userClass } from '../../../codec/v4/identity.ts';
import { fromUtf8 } from '../../../codec/v4/kind.ts';

/** Text without the NULs that some put at its end (RFC 2132 §2); null when empty or not UTF-8. */
export function textOf(data: Uint8Array): string | null {
  let end = data.length;
  while (end > 0 && data[end - 1] === 0) end--;
  return end === 0 ? null : fromUtf8(data.subarray(0, end));
}

/** The name in option 81, without a dot at its end; null when there is none. */
export function fqdnOf(data: Uint8Array): string | null {
  const name = fqdn.decode(data)?.name.replace(/\.$/, '') ?? '';
  return name === '' ? null : name;
}

/** The classes in option 77, both as RFC 3004 wants them and bare, as iPXE sends them. */
export function userClassesOf(data: Uint8Array): readonly string[] {
  const value = userClass.decode(data);
  return (value?.classes ?? []).map((one) => fromUtf8(one)).filter((one) => one !== null);
}
