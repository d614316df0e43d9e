import { existsSync } from 'node:fs';
import type { Ipv4 } from '../../codec/ipv4.ts';
import { parseIpv4 } from '../../codec/ipv4.ts';
import type { Problem } from '../../crds/problem.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import type { ManifestFile } from '../files.ts';
import { RefusalError, type WishKeeper } from './door.ts';
import type { Intents } from './intents.ts';

/** What runs by the manifests. */
export interface Follower {
  /** What would be wrong with a manifest. */
  tryOut(file: ManifestFile): readonly Problem[];
  /** Reads all manifests again; resolves when what they say is in force. */
  follow(): Promise<void>;
}

/** Keeps wishes as manifests of an agent that runs by manifests. */
export class IntentKeeper implements WishKeeper {
  private readonly intents: Intents;
  private readonly follower: Follower;

  constructor(intents: Intents, follower: Follower) {
    this.intents = intents;
    this.follower = follower;
  }

  async keep(server: string, lease: DhcpLease): Promise<string> {
    const { intents, follower } = this;
    const file = intents.fileFor(server, parseIpv4(lease.spec.address)!);
    const manifest = intents.manifestOf(lease, file);
    const [problem] = follower.tryOut(manifest);
    if (problem !== undefined) throw new RefusalError(`${problem.path}: ${problem.message}`);
    await written(file, () => intents.write(manifest));
    await follower.follow();
    return file;
  }

  async giveUp(server: string, address: Ipv4): Promise<string | null> {
    const file = this.intents.fileFor(server, address);
    if (!existsSync(file)) return null;
    await written(file, () => this.intents.remove(file));
    await this.follower.follow();
    return file;
  }
}

async function written(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new RefusalError(`${file}: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
}
