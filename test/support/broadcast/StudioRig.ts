import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { types as mediasoup } from 'mediasoup';
import { pino } from 'pino';
import { Agent } from '../../../compositor/agent/Agent.ts';
import type { ChildLimits } from '../../../compositor/agent/CompositorChild.ts';
import { Broadcasts, type BroadcastsOptions } from '../../../src/broadcast/Broadcasts.ts';
import { monotonicClock } from '../../../src/common/clock.ts';
import { BroadcastInput, type BroadcastStatus } from '../../../src/contracts/broadcast.ts';
import { MemoryDirectory } from '../../../src/directory/MemoryDirectory.ts';
import { MediasoupRig, OPUS, VP8 } from '../ingest/MediasoupRig.ts';
import type { FakeAgent } from './FakeAgent.ts';
import { FakeDelivery } from './FakeDelivery.ts';
import { InternalServer } from './InternalServer.ts';
import { agentMetrics, broadcastMetrics } from './metrics.ts';
import { TestRoom } from './TestRoom.ts';

const FAKE_CHILD = fileURLToPath(new URL('./fakeCompositor.ts', import.meta.url));

interface AgentLike {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): Promise<void>;
}

/** A real agent whose children are real processes without media. FAKE_COMPOSITOR in the environment: how they misbehave (fakeCompositor.ts). */
export async function realAgent(
  options: { warmChildren?: number; limits?: Partial<ChildLimits> } = {},
): Promise<Agent & { log: { msg: string; pid?: number }[] }> {
  const log: { msg: string; pid?: number }[] = [];
  const agent = await Agent.create({
    mediaIp: '127.0.0.1',
    mediaPorts: [42_000, 42_999],
    maxChildren: 3,
    warmChildren: options.warmChildren ?? 1,
    verifyService: async (token) => token === 'service',
    logger: pino({ level: 'info' }, { write: (line: string) => log.push(JSON.parse(line)) }),
    metrics: agentMetrics(),
    entry: FAKE_CHILD,
    limits: options.limits ?? {},
  });
  return Object.assign(agent, { log });
}

/** Broadcasts with a real mediasoup worker, and an agent and a delivery end that keep what they are told. */
export class StudioRig<A extends AgentLike = FakeAgent> {
  readonly sfu: MediasoupRig;
  readonly room: TestRoom;
  readonly agent: A;
  readonly delivery = new FakeDelivery();
  readonly broadcasts: Broadcasts;
  readonly metrics = broadcastMetrics();
  readonly statuses: BroadcastStatus[] = [];
  readonly #server: InternalServer;
  readonly #elsewhere: { agent: AgentLike; server: InternalServer }[];
  readonly #events = new EventEmitter();
  readonly #others: MediasoupRig[] = [];
  readonly #consumers: mediasoup.Consumer[] = [];
  #ssrc = 1_000;

  private constructor(
    sfu: MediasoupRig,
    agent: A,
    server: InternalServer,
    {
      elsewhere = [],
      ...options
    }: Partial<BroadcastsOptions> & {
      elsewhere?: { agent: AgentLike; server: InternalServer }[];
    },
  ) {
    this.sfu = sfu;
    this.room = new TestRoom(sfu.router);
    sfu.router.observer.on('newtransport', (transport) => {
      transport.observer.on('newconsumer', (consumer) => this.#consumers.push(consumer));
    });
    this.agent = agent;
    this.#server = server;
    this.#elsewhere = elsewhere;
    this.broadcasts = new Broadcasts({
      directory: new MemoryDirectory({
        agents: () => [server, ...elsewhere.map((other) => other.server)].map(({ url }) => url),
        delivery: () => server.url,
      }),
      newServiceToken: async () => 'service',
      destinationPolicy: async (url) => url,
      clock: monotonicClock,
      logger: pino({ level: 'silent' }),
      metrics: this.metrics,
      onStatus: (_, status) => {
        this.statuses.push(status);
        this.#events.emit('status');
      },
      ...options,
    });
  }

  /** `others`: agents besides, which are asked after the first. */
  static async create<A extends AgentLike>(
    agent: A,
    options: Partial<BroadcastsOptions> = {},
    others: readonly AgentLike[] = [],
  ): Promise<StudioRig<A>> {
    const handlers: Record<string, Pick<AgentLike, 'handleUpgrade'>> = { '/control': agent };
    const elsewhere = await Promise.all(
      others.map(async (other) => ({ agent: other, server: await InternalServer.listen({ '/control': other }) })),
    );
    const server = await InternalServer.listen(handlers);
    const rig = new StudioRig(await MediasoupRig.create(), agent, server, { ...options, elsewhere });
    handlers['/delivery'] = rig.delivery;
    return rig;
  }

  /** A person with a camera (with `layers` simulcast layers) and a microphone, sending. */
  async guest(peer: string, layers = 1): Promise<{ camera: mediasoup.Producer; microphone: mediasoup.Producer }> {
    this.room.join(peer);
    const camera = await this.#produce(VP8, layers);
    this.room.publish(peer, 'camera', camera);
    const microphone = await this.#produce(OPUS, 1);
    this.room.publish(peer, 'microphone', microphone);
    return { camera, microphone };
  }

  /** A camera anew; its source id. */
  async share(peer: string, sfu: MediasoupRig = this.sfu): Promise<string> {
    return this.room.publish(peer, 'camera', await this.#produce(VP8, 1, sfu));
  }

  /** What the broadcast consumes now. */
  consumers(): mediasoup.Consumer[] {
    return this.#consumers.filter((consumer) => !consumer.closed);
  }

  start(input: Parameters<typeof BroadcastInput.parse>[0] = {}): Promise<BroadcastStatus> {
    return this.broadcasts.start(this.room, BroadcastInput.parse(input));
  }

  /** The first status that has been told, or will be, for which this holds. */
  async status(holds: (status: BroadcastStatus) => boolean, after = 0): Promise<BroadcastStatus> {
    for (;;) {
      const found = this.statuses.slice(after).find(holds);
      if (found) return found;
      await once(this.#events, 'status');
    }
  }

  /** Another worker, as after the death of the first. */
  async anotherSfu(): Promise<MediasoupRig> {
    const rig = await MediasoupRig.create();
    this.#others.push(rig);
    return rig;
  }

  async close(): Promise<void> {
    await this.broadcasts.close();
    await this.agent.close();
    delete process.env.FAKE_COMPOSITOR;
    this.delivery.close();
    this.#server.close();
    for (const { agent, server } of this.#elsewhere) {
      await agent.close();
      server.close();
    }
    for (const sfu of [this.sfu, ...this.#others]) sfu.close();
  }

  async #produce(codec: typeof VP8 | typeof OPUS, layers: number, sfu = this.sfu): Promise<mediasoup.Producer> {
    const ssrcs = Array.from({ length: layers }, () => this.#ssrc++);
    const producer = await sfu.produce(codec, ssrcs);
    for (const ssrc of ssrcs) {
      const { preferredPayloadType: payloadType, clockRate } = codec;
      const frameMs = codec.kind === 'video' ? 33 : 20;
      sfu.streamer.add({
        ssrc,
        payloadType,
        clockRate,
        frameMs,
        firstSequence: 1,
        firstTimestamp: 1,
        frame: () => [KEY_FRAME],
      });
    }
    return producer;
  }
}

/** A VP8 key frame's beginning (RFC 7741 section 4.2, RFC 6386 section 9.1), which is all that an SFU looks at; as Opus it is noise. */
const KEY_FRAME = Buffer.from([0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0, 0, 0, 0, 0]);
