import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../folder.ts';

/**
 * A copy on the node of something that Kubernetes holds, so that an agent can start while the API server is away. Writes
 * follow one another; what is overtaken by a newer one is left out.
 */
export class LocalCopy {
  private readonly directory: string;
  private readonly name: string;
  private latest: string | null = null;
  private writing: Promise<void> = Promise.resolve();
  private readonly onError: (error: Error) => void;

  constructor(directory: string, name: string, onError: (error: Error) => void) {
    this.directory = directory;
    this.name = name;
    this.onError = onError;
  }

  /** What was written last; null when there is none, or it cannot be read. */
  read(): string | null {
    try {
      return readFileSync(join(this.directory, this.name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.onError(error as Error);
      return null;
    }
  }

  write(text: string): void {
    this.latest = text;
    this.writing = this.writing.then(() => this.flush());
  }

  /** Resolves when all has been written, or has failed. */
  written(): Promise<void> {
    return this.writing;
  }

  private async flush(): Promise<void> {
    const text = this.latest;
    if (text === null) return;
    this.latest = null;
    const path = join(this.directory, this.name);
    try {
      makeFolder(this.directory);
      const file = await open(`${path}.new`, 'w', 0o600);
      try {
        await file.writeFile(text);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    } catch (error) {
      this.onError(error as Error);
    }
  }
}
