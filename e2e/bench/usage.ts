// What a process has used of the machine, from /proc.
import {
  closeSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { Node } from '../lab/lab.ts';

/** _SC_CLK_TCK, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Processor time of a process so far, its own and the kernel's on its behalf, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The same to the nanosecond, for processes that do next to nothing. */
export function fineCpuSeconds(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) =>
    Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1e9;
}

/** Processor time of everything on the machine so far, in seconds. */
export function machineCpuSeconds(): number {
  const [user, nice, system, , , interrupts, softInterrupts] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .split(/ +/)
    .slice(1)
    .map(Number);
  const ticks = [user, nice, system, interrupts, softInterrupts] as readonly number[];
  return ticks.reduce((sum, n) => sum + n, 0) / TICKS_PER_SECOND;
}

/**
 * Puts this process's session before everything else on the machine until it ends: `nice` alone counts only within a
 * session where the kernel groups processes by it (sched_autogroup).
 */
export function preferThisSession(): void {
  const group = '/proc/self/autogroup';
  try {
    const before = /nice (-?\d+)/.exec(readFileSync(group, 'utf8'))?.[1] ?? '0';
    writeFileSync(group, '-20');
    process.once('exit', () => writeFileSync(group, before));
  } catch (error) {
    // A kernel without such groups.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Memory of a process that is in RAM now, in MiB. */
export function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
}

/** Milliseconds that the disk under a folder takes just now to keep 4 KiB more: the median and the 99th percentile. */
export function syncMillis(folder: string): { readonly p50: number; readonly p99: number } {
  const file = `${folder}/sync-probe`;
  const descriptor = openSync(file, 'w');
  const times: number[] = [];
  for (const until = performance.now() + 300; performance.now() < until; ) {
    writeSync(descriptor, Buffer.alloc(4096));
    const start = performance.now();
    fdatasyncSync(descriptor);
    times.push(performance.now() - start);
  }
  closeSync(descriptor);
  unlinkSync(file);
  times.sort((a, b) => a - b);
  return { p50: times[times.length >> 1]!, p99: times[Math.floor(times.length * 0.99)]! };
}

/** Packets that the kernel has thrown away so far on their way through a namespace, by where. */
export function kernelDrops(node: Node): { readonly [where: string]: number } {
  // The second column, in hex, counts what did not fit into a processor's backlog; all namespaces share it.
  const backlog = readFileSync('/proc/net/softnet_stat', 'utf8')
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1]!, 16), 0);
  const udp = /^Udp: \d.*$/m.exec(node.run('cat', '/proc/net/snmp'))![0].split(' ');
  return { backlog, udpNoPort: Number(udp[2]), udpReceiveBuffer: Number(udp[5]) };
}

/** What has been added between two counts. */
export function between(
  before: { readonly [where: string]: number },
  after: { readonly [where: string]: number },
): { readonly [where: string]: number } {
  return Object.fromEntries(Object.entries(after).map(([where, n]) => [where, n - before[where]!]));
}

/** What kind of processor this is. */
export function processorName(): string {
  const name = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  return name ?? process.arch;
}
