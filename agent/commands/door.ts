import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatHardwareAddress, hex } from '../../codec/hardware.ts';
import { contains, formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import { TIMER_MAX } from '../../codec/machine.ts';
import { fromUtf8 } from '../../codec/v4/kind.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import type { ServerConfig } from '../../crds/types/serverconfig.ts';
import { UsageError } from '../cli.ts';
import { leaseTerms } from '../core/lease/object.ts';
import type { Lease } from '../core/lease.ts';
import type { RunningServer, Servers, ServersListener } from '../servers.ts';
import { explanationOf, interfaceFor, serverCalled } from './asking.ts';
import { parseAddress, parseFilter } from './filter.ts';
import { parseQuestion, QUESTION_OPTIONS, type QuestionTexts } from './question.ts';
import { isCalled } from './source.ts';
import { LeaseWatcher, type WatchedSource, writeLeases } from './watching.ts';
import { clientOf, holderOf, WISHES, type WishTexts, wishedLease } from './wishes.ts';

/** Keeps what users want of addresses; in a cluster that is Kubernetes itself, and there is no keeper. */
export interface WishKeeper {
  /** Takes a wish, which is in force and durable when this resolves; throws RefusalError. Says where it stands. */
  keep(server: string, lease: DhcpLease): Promise<string>;
  /** Gives up what is wanted of an address; likewise. Null: it keeps no wish for it. */
  giveUp(server: string, address: Ipv4): Promise<string | null>;
}

/** What cannot be done, and why, in one line. */
export class RefusalError extends Error {}

/** What the door leads to. */
export interface DoorParts {
  readonly node: string;
  readonly servers: Pick<Servers, 'all' | 'listen'>;
  readonly keeper: WishKeeper | null;
}

/** What became of a command, for the one who gave it. */
export interface Outcome {
  /** Lines. */
  readonly done: readonly string[];
  /** The arguments of the command that takes it back; none when nothing does. */
  readonly undo?: readonly string[];
}

/** Answers the commands `leases` and `explain`; only on a socket that the network cannot reach. */
export class Door implements ServersListener {
  private readonly parts: DoorParts;
  private readonly watchers = new Set<LeaseWatcher>();
  private quarantineTimer: NodeJS.Timeout | undefined;
  private readonly unlisten: () => void;

  constructor(parts: DoorParts) {
    this.parts = parts;
    this.unlisten = parts.servers.listen(this);
  }

  leaseChanged(server: string, address: Ipv4): void {
    for (const watcher of this.watchers) watcher.note(server, address);
  }

  reconfigured(before: ServerConfig, after: ServerConfig): void {
    for (const { address } of [...before.intents, ...after.intents]) {
      this.leaseChanged(after.name, address);
    }
    this.awaitQuarantines();
  }

  /** Who watches asks anew, and is told what there is then. */
  serversChanged(): void {
    for (const watcher of this.watchers) watcher.end();
    this.watchers.clear();
    clearTimeout(this.quarantineTimer);
  }

  /** Ends what is being watched. */
  close(): void {
    this.unlisten();
    this.serversChanged();
  }

  /** Answers a request; false when it is for none of its paths. */
  async answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    const route = `${request.method} ${url.pathname}`;
    const act = this.routes[route];
    if (act === undefined) return false;
    try {
      await act(url.searchParams, response);
    } catch (error) {
      const status = statusOf(error as Error);
      if (status === null || response.headersSent) throw error;
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(`${(error as Error).message}\n`);
    }
    return true;
  }

  private readonly routes: {
    readonly [route: string]:
      | ((parameters: URLSearchParams, response: ServerResponse) => Promise<void>)
      | undefined;
  } = {
    'GET /leases': (parameters, response) => this.leases(parameters, response),
    'GET /explain': async (parameters, response) => {
      reply(response, this.explain(parameters));
    },
    'POST /leases/release': async (parameters, response) => {
      reply(response, await this.release(parameters));
    },
    'POST /leases/delete': async (parameters, response) => {
      reply(response, await this.giveUp(parameters));
    },
    ...Object.fromEntries(
      WISHES.map((wish) => [
        `POST /leases/${wish}`,
        async (parameters: URLSearchParams, response: ServerResponse) => {
          reply(response, await this.wish(wish, parameters));
        },
      ]),
    ),
  };

  private async leases(parameters: URLSearchParams, response: ServerResponse): Promise<void> {
    const filter = parseFilter(Object.fromEntries(parameters));
    if (filter.server !== null) serverCalled(this.byName(), filter.server, 'this agent');
    const watch = parameters.get('watch') === 'true';
    // Who has another agent in mind shall not take it for a server without leases.
    if (!watch && this.byName().size === 0) throw new RefusalError('this agent runs no DhcpServer');
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    const watcher = new LeaseWatcher(response, filter, (server) => {
      const running = this.byName().get(server);
      return running === undefined ? null : this.sourceOf(running);
    });
    // Noted from here on, so that nothing is missed between what there is and what comes.
    if (watch) {
      this.watchers.add(watcher);
      this.awaitQuarantines();
    }
    response.once('close', () => this.watchers.delete(watcher));
    const sources = [...this.parts.servers.all()].map((running) => this.sourceOf(running));
    await writeLeases(response, sources, filter);
    if (watch && this.watchers.has(watcher)) watcher.begin();
    else response.end();
  }

  // Nothing is written when a quarantine by a user ends, so who watches would not hear of it.
  private awaitQuarantines(): void {
    clearTimeout(this.quarantineTimer);
    if (this.watchers.size === 0) return;
    const ends = [...this.parts.servers.all()].flatMap(({ config, store }) => {
      const wall = store.wallAt(store.now());
      return config.intents.flatMap((intent) =>
        intent.kind === 'Quarantine' && intent.until > wall
          ? [{ server: config.name, address: intent.address, left: intent.until - wall }]
          : [],
      );
    });
    const left = Math.min(...ends.map((end) => end.left));
    if (left === Number.POSITIVE_INFINITY) return;
    this.quarantineTimer = setTimeout(
      () => {
        for (const { server, address } of ends.filter((end) => end.left === left)) {
          this.leaseChanged(server, address);
        }
        this.awaitQuarantines();
      },
      Math.min(Math.ceil(left) + 1, TIMER_MAX),
    );
    this.quarantineTimer.unref();
  }

  private explain(parameters: URLSearchParams): object {
    const texts = Object.fromEntries(
      QUESTION_OPTIONS.flatMap((name) => {
        const value = parameters.get(name);
        return value === null ? [] : [[name, value]];
      }),
    ) as QuestionTexts;
    const question = parseQuestion(texts);
    const servers = this.byName();
    const [server, { role, store }] = serverCalled(
      servers,
      parameters.get('server') ?? undefined,
      'this agent',
    );
    const ifindex = interfaceFor(role.links, question, parameters.get('interface') ?? undefined);
    return explanationOf(server, role.explain(question, ifindex), store.leases, question);
  }

  private async release(parameters: URLSearchParams): Promise<Outcome> {
    const [{ role, store }, address] = this.target(parameters);
    const text = formatIpv4(address);
    const lease = store.leases.get(address);
    if (lease === undefined || !role.release(address)) {
      throw new RefusalError(`nobody holds ${text}`);
    }
    await durably(store);
    if (lease.state === 'declined') {
      return { done: [`${text} is free again; a client or a probe had found it in use`] };
    }
    const warning = `${holderOf(lease)} is not told, and may use it until it renews`;
    return { done: [`${text} is released`, warning] };
  }

  private async wish(wish: (typeof WISHES)[number], parameters: URLSearchParams): Promise<Outcome> {
    const [{ config, store }, address] = this.target(parameters);
    const lease = store.leases.get(address) ?? null;
    const texts: WishTexts = Object.fromEntries(parameters);
    const wall = store.wallAt(store.now());
    const object = wishedLease(wish, texts, config.name, address, lease, wall);
    const where = await this.keeper().keep(config.name, object);
    const { spec } = object;
    const until =
      spec.quarantineUntil === undefined
        ? 'until that is taken back'
        : `until ${spec.quarantineUntil}`;
    const what =
      wish === 'reserve' ? `is reserved for ${clientOf(spec)}` : `is given to nobody ${until}`;
    const held = lease?.state === 'bound' && !isFor(spec, lease);
    const warning = held ? [`${holderOf(lease)} has it, and is refused at its next renewal`] : [];
    return {
      done: [`${spec.address} ${what}: ${where}`, ...warning],
      undo: ['leases', 'delete', spec.address, ...serverOption(parameters)],
    };
  }

  private async giveUp(parameters: URLSearchParams): Promise<Outcome> {
    const [{ config }, address] = this.target(parameters);
    const text = formatIpv4(address);
    const where = await this.keeper().giveUp(config.name, address);
    if (where !== null)
      return { done: [`nothing is wanted of ${text} any more: ${where} is deleted`] };
    const other = config.intents.find((intent) => intent.address === address);
    if (other === undefined) throw new RefusalError(`nothing is wanted of ${text}`);
    throw new RefusalError(
      `DhcpLease/${other.source} in your manifests is about ${text}: delete it there`,
    );
  }

  private keeper(): WishKeeper {
    const { keeper } = this.parts;
    if (keeper !== null) return keeper;
    throw new RefusalError('this agent takes DhcpLeases from its cluster: use kubectl');
  }

  /** The address that is meant, and its server. */
  private target(parameters: URLSearchParams): readonly [RunningServer, Ipv4] {
    const address = parseAddress(parameters.get('address') ?? '');
    const name = parameters.get('server');
    const here = [...this.byName()].filter(
      ([server, { config }]) =>
        (name === null || isCalled(server, name)) && hasAddress(config, address),
    );
    if (here.length === 0) {
      const [server] = serverCalled(this.byName(), name ?? undefined, 'this agent');
      throw new RefusalError(`${formatIpv4(address)} is in no subnet of DhcpServer ${server}`);
    }
    return [serverCalled(new Map(here), undefined, 'this agent')[1], address];
  }

  private byName(): ReadonlyMap<string, RunningServer> {
    return new Map([...this.parts.servers.all()].map((one) => [one.config.name, one]));
  }

  private sourceOf({ config, store }: RunningServer): WatchedSource {
    return {
      owner: {
        server: config.name,
        node: this.parts.node,
        epoch: 0,
        terms: leaseTerms(config),
        wallAt: (time) => store.wallAt(time),
      },
      intents: config.intents,
      leases: store.leases,
      now: () => store.now(),
      sync: () => store.sync(),
    };
  }
}

function hasAddress({ networks }: ServerConfig, address: Ipv4): boolean {
  return networks.some(({ subnets }) => subnets.some(({ prefix }) => contains(prefix, address)));
}

function isFor({ hardwareAddress, clientId }: DhcpLease['spec'], lease: Lease): boolean {
  if (hardwareAddress !== undefined) {
    return hardwareAddress === formatHardwareAddress(lease.hardwareAddress);
  }
  const octets = lease.clientId ?? new Uint8Array();
  const text = fromUtf8(octets[0] === 0 ? octets.subarray(1) : octets);
  return clientId?.hex === hex(octets) || (clientId?.text !== undefined && clientId.text === text);
}

function serverOption(parameters: URLSearchParams): readonly string[] {
  const server = parameters.get('server');
  return server === null ? [] : ['--server', server];
}

async function durably(store: RunningServer['store']): Promise<void> {
  await store.sync().catch((error: Error) => {
    throw new RefusalError(`it is not on disk, and a restart undoes it: ${error.message}`);
  });
}

/** What the status of an answer is for an error that its reader is to see; null for ours. */
function statusOf(error: Error): number | null {
  if (error instanceof UsageError) return 400;
  return error instanceof RefusalError ? 409 : null;
}

function reply(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}
