import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { makeFolder } from '../folder.ts';
import { type Answers, serveSocket } from '../http.ts';
import type { Servers } from '../servers.ts';
import { socketPath } from './client.ts';
import { Door, type WishKeeper } from './door.ts';

/** What the door of an agent leads to, and where it is. */
export interface OpenDoorParts {
  readonly stateDir: string;
  readonly node: string;
  readonly servers: Servers;
  readonly keeper: WishKeeper | null;
  readonly answers: Answers;
  readonly log: Logger;
}

/** Opens the door that commands come in by. Returns what closes it; without it the agent runs all the same. */
export async function openDoor(parts: OpenDoorParts): Promise<() => void> {
  const { stateDir, answers, log } = parts;
  const path = socketPath(stateDir);
  const door = new Door(parts);
  try {
    makeFolder(dirname(path));
    const server = await serveSocket({ ...answers, path, door });
    server.unref();
    return () => {
      door.close();
      server.close();
      server.closeAllConnections();
    };
  } catch (error) {
    door.close();
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    log.warn({ code, path }, 'commands such as `dhcp-agent leases` will not find this agent');
    return () => {};
  }
}
