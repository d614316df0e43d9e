import type { ObjectRef } from './common.ts';

/**
 * DHCP options by their names, such as `routers`, `domainNameServers`, `classlessStaticRoutes`; the reference lists all.
 * What is nearer to the client counts: reservation, class, pool, subnet, shared network, server.
 * A client gets those that it asks for, in the order in which it asks (RFC 2132 §9.8).
 * @optionTable
 */
export interface DhcpOptions {
  /**
   * Options by code, for what has no name or needs other octets than its name allows.
   * @maxItems 64
   */
  readonly custom?: readonly CustomOption[];
  /**
   * Names or codes of options that are sent also to clients that do not ask for them.
   * @maxItems 64
   */
  readonly force?: readonly OptionSelector[];
  /**
   * Names or codes of options that are not sent, whoever else sets them.
   * @maxItems 64
   */
  readonly suppress?: readonly OptionSelector[];
  /**
   * Options whose value is the address of a Service, followed as it changes. Only in Kubernetes.
   * @maxItems 16
   */
  readonly fromServices?: readonly ServiceOption[];
  readonly [name: string]: unknown;
}

/** An option whose value is the address of a Service. */
export interface ServiceOption {
  /** Of an option that holds addresses, or a name or address as text, such as `tftpServerName`. */
  readonly option:
    | 'domainNameServers'
    | 'ntpServers'
    | 'timeServers'
    | 'logServers'
    | 'tftpServerName'
    | 'tftpServers';
  /** Its load balancer's addresses if it has any, else its cluster address. */
  readonly serviceRef: ObjectRef;
}

/**
 * An option by its code. Exactly one of `hex`, `text`, `addresses`, `u8`, `u16`, `u32` and `flag`.
 * @exactlyOneOf hex text addresses u8 u16 u32 flag
 */
export interface CustomOption {
  /**
   * The code of the option.
   * @minimum 1
   * @maximum 254
   */
  readonly code: number;
  /**
   * Octets in hex, `01:04` or `0104`.
   * @pattern ^(0x)?([0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2})*)?$
   */
  readonly hex?: string;
  /** Text without an end mark. */
  readonly text?: string;
  /** IPv4 addresses, four octets each. */
  readonly addresses?: readonly string[];
  /**
   * An unsigned integer of one octet.
   * @minimum 0
   * @maximum 255
   */
  readonly u8?: number;
  /**
   * An unsigned integer of two octets.
   * @minimum 0
   * @maximum 65535
   */
  readonly u16?: number;
  /**
   * An unsigned integer of four octets.
   * @minimum 0
   * @maximum 4294967295
   */
  readonly u32?: number;
  /** No octets at all: the option says all by being there. */
  readonly flag?: true;
}

/**
 * An option by name or by code. Exactly one of `name` and `code`.
 * @exactlyOneOf name code
 */
export interface OptionSelector {
  /** Its name in the reference. */
  readonly name?: string;
  /**
   * Its code.
   * @minimum 1
   * @maximum 254
   */
  readonly code?: number;
}
