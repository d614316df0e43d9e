import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { compileLease } from '../../crds/compile/lease.ts';
import { nameOf } from '../../crds/document.ts';
import { readManifests } from '../../crds/manifest.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import type { IntentConfig } from '../../crds/types/serverconfig.ts';
import { validateSpec } from '../../crds/validate.ts';
import { storeDirectory } from '../store/files.ts';
import { LeaseFollower } from '../store/follow.ts';
import { Intents } from './intents.ts';
import type { LeaseSource } from './source.ts';

/** The leases of every server whose state lies in a folder, read without a lock and without a change. */
export async function storedLeases(stateDir: string): Promise<LeaseSource[]> {
  const intents = wishes(stateDir);
  const sources: LeaseSource[] = [];
  for (const server of storedServers(stateDir)) {
    const store = await LeaseFollower.open(storeDirectory(stateDir, server));
    sources.push({
      owner: {
        server,
        node: process.env.NODE_NAME ?? hostname(),
        epoch: 0,
        // Only the manifests say, and they may be anywhere.
        terms: null,
        wallAt: (time) => store.wallAt(time),
      },
      intents: intents.get(server) ?? [],
      leases: store.leases,
      now: () => store.now(),
    });
  }
  return sources;
}

/** The servers that have a store; a blank state has none. Throws an Error of one line. */
function storedServers(stateDir: string): string[] {
  const folder = join(stateDir, 'servers');
  try {
    // Names in Kubernetes have no `_`; it stands for what a file name cannot hold.
    return readdirSync(folder).map((name) => name.replaceAll('_', '/'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new Error(`${folder}: ${code ?? error}`);
  }
}

// Of what does not say what it should, the agent has told when it was written.
function wishes(stateDir: string): Map<string, IntentConfig[]> {
  const found = new Map<string, IntentConfig[]>();
  for (const document of readManifests(new Intents(stateDir).read()).documents) {
    if (document.kind !== 'DhcpLease') continue;
    if (validateSpec(document.kind, document.spec).length > 0) continue;
    const lease = document as unknown as DhcpLease;
    const { name } = lease.spec.serverRef;
    const server = nameOf({ metadata: { ...document.metadata, name } });
    const others = found.get(server) ?? [];
    found.set(server, [...others, ...compileLease(lease).intents]);
  }
  return found;
}
