/**
 * An IPv4 address in dotted-quad notation.
 * @format ipv4
 */
export type Ipv4Address = string;

/**
 * An IPv4 network such as `192.0.2.0/24`.
 * @format cidr
 */
export type Ipv4Cidr = string;

/**
 * A duration such as `90s`, `1h30m` or `8h`.
 * @format duration
 * @pattern ^([0-9]+(ms|s|m|h|d))+$
 * @maxLength 64
 */
export type Duration = string;

/**
 * A link-layer address, octets in hex separated by colons.
 * @format hardwareAddress
 * @pattern ^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){0,15}$
 */
export type HardwareAddress = string;

/**
 * A point in time (RFC 3339) such as `2026-01-31T12:00:00Z`.
 * @format date-time
 */
export type Moment = string;

/**
 * Octets in hex without separators.
 * @pattern ^([0-9a-f]{2})*$
 */
export type OctetsInHex = string;

/**
 * An interface name, or a glob in which `*` stands for any characters and `?` for one.
 * @minLength 1
 * @maxLength 64
 */
export type InterfacePattern = string;

/** Standard Kubernetes object metadata, as far as it is read here. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: { readonly [key: string]: string };
  readonly annotations?: { readonly [key: string]: string };
  readonly generation?: number;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** One aspect of an object's state, as `kubectl wait` understands it. */
export interface Condition {
  /** Accepted, Programmed, Ready or Degraded. */
  readonly type: string;
  /** Whether it is so. */
  readonly status: 'True' | 'False' | 'Unknown';
  /** A CamelCase word that names the cause. */
  readonly reason: string;
  /** What is so, and what to do about it. */
  readonly message: string;
  /** When `status` last changed. */
  readonly lastTransitionTime: Moment;
  /** The generation of the spec that this speaks of. */
  readonly observedGeneration?: number;
}

/** What the agent of a node says of itself. */
export interface NodeStatus {
  /** The name of the node. */
  readonly node: string;
  /**
   * `Active`: it does what the spec says. `Standby`: the agent of another node does, and this one would take over.
   * `Failed`: it cannot, as `message` says.
   */
  readonly state: 'Active' | 'Standby' | 'Failed';
  /** Which version of the configuration it has applied, by the hash in its ConfigMap. */
  readonly hash?: string;
  /** Where it answers. */
  readonly addresses?: readonly Ipv4Address[];
  /** What keeps it from doing all that the spec says. */
  readonly message?: string;
  /** Other DHCP servers that it has heard on its links. */
  readonly foreignServers?: readonly Ipv4Address[];
  /** The fencing number it answers with; a higher one knows better. */
  readonly epoch?: number;
  /** Since when it has been in this state. */
  readonly since?: Moment;
}

/** Refers to another object in the same namespace unless it says otherwise. */
export interface ObjectRef {
  /**
   * Its name.
   * @minLength 1
   */
  readonly name: string;
  /** Left out: the namespace of the object that refers. */
  readonly namespace?: string;
}

/** Which nodes run the agent. */
export interface Placement {
  /** Labels that a node must have. */
  readonly nodeSelector?: { readonly [label: string]: string };
  /** Taints that the agent tolerates, as in a Pod. */
  readonly tolerations?: readonly Toleration[];
}

/** As in a Pod. */
export interface Toleration {
  /** The key of the taint. Left out, with `operator: Exists`: every key. */
  readonly key?: string;
  /** `Equal`, also when left out: `value` is the same. `Exists`: whatever its value. */
  readonly operator?: 'Exists' | 'Equal';
  /** The value of the taint. */
  readonly value?: string;
  /** The effect of the taint. Left out: every effect. */
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  /** How long a `NoExecute` taint is tolerated. Left out: for ever. */
  readonly tolerationSeconds?: number;
}
