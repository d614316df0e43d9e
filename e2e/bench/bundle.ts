// What is measured of ours: the agent as it is shipped.
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AGENT } from '../netns/office.ts';

const BUNDLE = fileURLToPath(new URL('../../build/agent', import.meta.url));

/** The bundle, in a copy below `folder` that nobody builds anew meanwhile, or the source where it has not been bundled. */
export function agentProgram(folder: string): string {
  if (!existsSync(join(BUNDLE, 'dhcp-agent'))) return AGENT;
  const copy = join(folder, 'agent');
  cpSync(BUNDLE, copy, { recursive: true });
  return join(copy, 'dhcp-agent');
}
