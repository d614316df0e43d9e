import { readdirSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import type { ManifestFile } from '../files.ts';
import { makeFolder } from '../folder.ts';
import { yamlOf } from './print.ts';

const OTHERS = ': be root, or the user that the agent runs as, or name another --state-dir';

/**
 * The DhcpLeases that commands have written: manifests of their own, one a file, beside the leases. `run` reads them after
 * those that it was given, so that what is written there comes first.
 */
export class Intents {
  /** It is made when it is first needed, or by `make`. */
  readonly folder: string;

  constructor(stateDir: string) {
    this.folder = join(stateDir, 'intents');
  }

  /** Makes the folder, to be watched; false when it cannot be. */
  make(): boolean {
    try {
      makeFolder(this.folder);
      return true;
    } catch {
      return false;
    }
  }

  /** What is there, in order of name; nothing if there is no folder. */
  read(): ManifestFile[] {
    return this.names().flatMap((name) => {
      const file = join(this.folder, name);
      try {
        return [{ file, text: readFileSync(file, 'utf8') }];
      } catch (error) {
        // Deleted since.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw new Error(`${file}: ${(error as NodeJS.ErrnoException).code ?? error}`);
      }
    });
  }

  /** Where what is wanted of an address stands. */
  fileFor(server: string, address: Ipv4): string {
    return join(this.folder, `${server.replaceAll('/', '_')}-${formatIpv4(address)}.yaml`);
  }

  /** An object as it is written down. */
  manifestOf(lease: DhcpLease, file: string): ManifestFile {
    const origin = `# Written by dhcp-agent; \`dhcp-agent leases delete ${lease.spec.address}\` takes it back.\n`;
    return { file, text: origin + yamlOf(lease) };
  }

  /** Writes a manifest, in place of what was there; it is on disk when this resolves. */
  async write({ file, text }: ManifestFile): Promise<void> {
    makeFolder(this.folder);
    // A name that is no manifest's, so that half of it is never read.
    const unfinished = `${file}.tmp`;
    const handle = await open(unfinished, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
    await this.sync();
  }

  /** Deletes the manifest for an address; likewise. */
  async remove(file: string): Promise<void> {
    await rm(file, { force: true });
    await this.sync();
  }

  private names(): string[] {
    try {
      return readdirSync(this.folder)
        .filter((name) => /^[^.].*\.ya?ml$/.test(name))
        .sort();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw new Error(`${this.folder}: ${code ?? error}${code === 'EACCES' ? OTHERS : ''}`);
    }
  }

  private async sync(): Promise<void> {
    const handle = await open(this.folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
