// Prints the folder whose include/node holds the headers of the node that runs this.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const home = dirname(dirname(realpathSync(process.execPath)));
const platform = `node-linux-${process.arch}`;
const candidates = [home, join(home, 'node_modules', platform), join(dirname(home), platform)];
const found = candidates.find((folder) => existsSync(join(folder, 'include/node/node_api.h')));
if (found === undefined) {
  console.error(
    `no node_api.h beside ${process.execPath}: install the headers of Node ${process.version}`,
  );
  process.exit(1);
}
console.log(found);
