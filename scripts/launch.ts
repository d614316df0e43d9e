// How the bundles are started, by their launchers and in their images. What the agent gets makes it 12 MB less under load,
// measured with e2e/bench/relay.ts.

/** For node. What is allocated while it works is next to nothing, so collections need no threads and a small nursery will do. */
const NODE_FLAGS = [
  '--optimize-for-size',
  '--max-semi-space-size=1',
  '--single-threaded-gc',
  '--v8-pool-size=1',
];

/** For malloc, which then gives back at once what loading the manifests took. */
const ENVIRONMENT = [
  'MALLOC_ARENA_MAX=1',
  'MALLOC_TRIM_THRESHOLD_=65536',
  'MALLOC_MMAP_THRESHOLD_=32768',
  'MALLOC_TOP_PAD_=0',
];

/** A program of ours: its folder in the tree and under build/, and how it is started. */
export interface Launch {
  readonly name: 'agent' | 'operator';
  /** One sentence for who looks at the image. */
  readonly purpose: string;
  /** For node. */
  readonly flags: readonly string[];
  readonly environment: readonly string[];
  /** What its image does when nothing else is asked. */
  readonly command: readonly string[];
  /** Who it is in its image. */
  readonly user: string;
}

export const LAUNCHES: readonly Launch[] = [
  {
    name: 'agent',
    purpose: 'DHCP relay and server on raw sockets, for Kubernetes and plain Linux',
    flags: NODE_FLAGS,
    environment: ENVIRONMENT,
    command: ['run', '-f', '/etc/dhcp-operator'],
    // A raw socket takes uid 0, with no capability but one: containers have no ambient capabilities.
    user: '0:0',
  },
  {
    name: 'operator',
    purpose: 'Makes DHCP agents of DhcpServers and DhcpRelays in Kubernetes',
    flags: [],
    environment: [],
    command: ['--help'],
    user: '65532:65532',
  },
];
