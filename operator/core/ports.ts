import type { DaemonSet } from '../../crds/client/resources.ts';

/** Below Kubernetes' node ports, and below what Linux gives to who asks for any. */
const FIRST = 20_000;
const COUNT = 10_000;

/**
 * The host port that the agents of an object tell of themselves on. Agents of several objects share a node's network, and of two
 * that want one port the scheduler places the first only, so no two objects have the same, unless there are more than ports.
 * `uid` is the object's; `own` are its agents as they are, whose port stays unless older agents have it too.
 */
export function httpPort(
  uid: string,
  own: DaemonSet | undefined,
  all: readonly DaemonSet[],
): number {
  const current = own === undefined ? null : portOf(own);
  const others = all.filter(({ metadata }) => {
    const { name, namespace } = own?.metadata ?? {};
    return metadata.name !== name || metadata.namespace !== namespace;
  });
  if (own !== undefined && isOurs(current)) {
    const rival = others.find((one) => portOf(one) === current);
    if (rival === undefined || ageOf(own) < ageOf(rival)) return current;
  }
  const taken = new Set(others.map(portOf));
  const start = hashOf(uid) % COUNT;
  for (let i = 0; i < COUNT; i++) {
    const port = FIRST + ((start + i) % COUNT);
    if (!taken.has(port)) return port;
  }
  return FIRST + start;
}

function isOurs(port: number | null): port is number {
  return port !== null && FIRST <= port && port < FIRST + COUNT;
}

// Sorts older ones first.
function ageOf({ metadata }: DaemonSet): string {
  return `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`;
}

function portOf({ spec }: DaemonSet): number | null {
  const [container] = spec?.template.spec.containers ?? [];
  const ports = container?.ports as readonly { readonly containerPort: number }[] | undefined;
  return ports?.[0]?.containerPort ?? null;
}

function hashOf(uid: string): number {
  let hash = 0;
  for (const character of uid) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return hash;
}
