/**
 * A fleet of real processes on loopback: SFU nodes, delivery nodes, compositor agents, and Redis where they are to find each other, all behind
 * one origin as an ingress has it (FleetFront.ts). Nodes can be killed, started again and added.
 */
import { CaptureClock } from '../../scripts/simulator/CaptureClock.ts';
import { ClipStore } from '../../scripts/simulator/clip/ClipStore.ts';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Secret } from '../../src/common/Secret.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { RedisServer } from './directory/RedisServer.ts';
import { FleetFront } from './FleetFront.ts';
import { descendantsOf, ServerProcess } from './ServerProcess.ts';

const SECRET = 'a-secret-that-all-nodes-share-it';

/** What fits many times on two cores. */
export const SMALL = { width: 320, height: 180, fps: 15, bitrate: 200_000 } as const;

export type FleetRole = 'sfu' | 'delivery' | 'compositor';

export interface FleetOptions {
  sfus?: number;
  deliveries?: number;
  agents?: number;
  /** With a Redis of its own; `password`: one that asks for it. Without, the SFU nodes are told the agents that are there when they start. */
  redis?: boolean | { password: string };
  /** How SFU nodes come to a delivery node: they are told the first, or find the announced ones in Redis. */
  delivery?: 'first' | 'announced';
  /** Settings of all nodes, and of those of one role. */
  env?: Record<string, string>;
  roleEnv?: Partial<Record<FleetRole, Record<string, string>>>;
}

export class FleetProcesses {
  readonly redis: RedisServer | undefined;
  /** In the order in which they were started; a node that was started again keeps its place. */
  readonly sfus: ServerProcess[] = [];
  readonly deliveries: ServerProcess[] = [];
  readonly agents: ServerProcess[] = [];
  readonly front: FleetFront;
  /** Through the origin, with an API token. */
  readonly api: ServerApi;
  readonly #options: FleetOptions;
  /** Of audience `api`. */
  readonly token: string;
  readonly #people: Swarm[] = [];
  readonly #clips = new ClipStore();
  readonly #clock = new CaptureClock();

  private constructor(options: FleetOptions, redis: RedisServer | undefined, front: FleetFront, token: string) {
    this.#options = options;
    this.redis = redis;
    this.front = front;
    this.token = token;
    this.api = new ServerApi(front.origin, token);
  }

  static async start(options: FleetOptions = {}): Promise<FleetProcesses> {
    const { sfus = 1, deliveries = 1, agents = 1, redis: wanted = false } = options;
    const redis = wanted ? await RedisServer.start(wanted === true ? {} : wanted) : undefined;
    const token = await Tokens.create([new Secret(SECRET)]).sign({ aud: 'api', sub: 'test' }, 3600);
    const fleet: FleetProcesses = new FleetProcesses(options, redis, await FleetFront.start(() => fleet), token);
    try {
      const several = (role: FleetRole, count: number) => Array.from({ length: count }, () => fleet.#start(role));
      const [first, second] = await Promise.all([
        Promise.all(several('delivery', deliveries)),
        Promise.all(several('compositor', agents)),
      ]);
      fleet.deliveries.push(...first);
      fleet.agents.push(...second);
      fleet.sfus.push(...(await Promise.all(several('sfu', sfus))));
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  /** What a browser opens. */
  get origin(): string {
    return this.front.origin;
  }

  get sfu(): ServerProcess {
    return only(this.sfus);
  }

  get delivery(): ServerProcess {
    return only(this.deliveries);
  }

  get compositor(): ServerProcess {
    return only(this.agents);
  }

  nodes(role: FleetRole): ServerProcess[] {
    return { sfu: this.sfus, delivery: this.deliveries, compositor: this.agents }[role];
  }

  /** One more node of a role. */
  async add(role: FleetRole, env: Record<string, string> = {}): Promise<ServerProcess> {
    const server = await this.#start(role, env);
    this.nodes(role).push(server);
    return server;
  }

  /** kill -9 of a node and of all its children at once, as when a machine or a pod is gone. Answers who died. */
  async killAll(server: ServerProcess): Promise<number[]> {
    const children = (await descendantsOf(server.pid)).map(({ pid }) => pid);
    const ended = server.ended();
    // The parent first: it is not to notice the end of a child.
    for (const pid of [server.pid, ...children]) process.kill(pid, 'SIGKILL');
    await ended;
    return [server.pid, ...children];
  }

  /** The same node again after its end, on its ports, at its place in the list. */
  async again(server: ServerProcess, env: Record<string, string> = {}, niceness = 0): Promise<ServerProcess> {
    const next = await server.again(env, niceness);
    for (const list of [this.sfus, this.deliveries, this.agents]) {
      const place = list.indexOf(server);
      if (place >= 0) list[place] = next;
    }
    return next;
  }

  /** Of one SFU node. */
  apiOf(server: ServerProcess): ServerApi {
    return new ServerApi(server.url, this.token);
  }

  /** Asks the API through the origin. */
  async get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.origin}${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }

  /** It is in the directory: other nodes know it. */
  async announced({ internalUrl }: ServerProcess): Promise<boolean> {
    // What was given back stays as an entry without data, for its fence.
    const data = await this.redis?.ask((client) => client.hget(`lianmai:entry:node:${internalUrl}`, 'data'));
    return Boolean(data);
  }

  /** A room's host, simulated: sends all the time, until the fleet is stopped. `url`: not through the origin. */
  async person(room: string, url = this.origin): Promise<Swarm> {
    const media = { clips: this.#clips, clock: this.#clock };
    const swarm = new Swarm({ url, peers: 1, ...media, token: () => this.api.joinToken(room, 'host') });
    this.#people.push(swarm);
    await swarm.start();
    return swarm;
  }

  /** All of a node's metrics, as they are written. */
  async metrics(server: ServerProcess): Promise<string> {
    return (await fetch(`${server.internalUrl}/metrics`)).text();
  }

  async status(server: ServerProcess, path: string): Promise<number> {
    return (await fetch(`${server.internalUrl}${path}`)).status;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#people.map((swarm) => swarm.stop()));
    this.#clips.close();
    await this.front.close();
    const servers = [...this.sfus, ...this.deliveries, ...this.agents];
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
    await this.redis?.close();
  }

  #start(role: FleetRole, more: Record<string, string> = {}): Promise<ServerProcess> {
    const { delivery = 'first', env, roleEnv } = this.#options;
    const redis: Record<string, string> = this.redis ? { LIANMAI_REDIS_URL: this.redis.url.reveal() } : {};
    const sfu: Record<string, string> = {
      LIANMAI_SFU_WORKERS: '1',
      ...(this.redis || env?.LIANMAI_REDIS_URL
        ? {}
        : { LIANMAI_COMPOSITOR_URLS: this.agents.map(({ internalUrl }) => internalUrl).join(',') }),
      ...(delivery === 'first' ? { LIANMAI_DELIVERY_URL: this.deliveries[0]?.internalUrl ?? '' } : {}),
    };
    return ServerProcess.start({
      ...{ LIANMAI_SECRET: SECRET, LIANMAI_ROLE: role, ...redis },
      ...(role === 'sfu' ? sfu : {}),
      ...{ ...env, ...roleEnv?.[role], ...more },
    });
  }
}

function only(servers: readonly ServerProcess[]): ServerProcess {
  const [first] = servers;
  if (!first) throw new Error('there is no such node');
  return first;
}
