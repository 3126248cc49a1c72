import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createWorker, type types as mediasoup } from 'mediasoup';
import { Server, type Socket } from 'socket.io';
import { newId } from '../../../src/common/ids.ts';
import {
  type Ack,
  type ClientEvent,
  ClientPayloads,
  type ClientToServer,
  type JoinAnswer,
  type ServerToClient,
} from '../../../src/contracts/signaling.ts';

interface Member {
  id: string;
  socket: Socket<ClientToServer, ServerToClient>;
  router: mediasoup.Router;
  transports: Map<string, mediasoup.WebRtcTransport>;
  producers: Map<string, mediasoup.Producer>;
  consuming: { transport: mediasoup.WebRtcTransport; rtpCapabilities: mediasoup.RtpCapabilities } | null;
  consumers: Map<string, mediasoup.Consumer>;
}

const CODECS: mediasoup.RouterRtpCodecCapability[] = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 },
  {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90_000,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
  },
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 0 } },
  { kind: 'video', mimeType: 'video/AV1', clockRate: 90_000, parameters: { profile: 0 } },
];

/**
 * One room on one real mediasoup worker behind the signalling contract: just enough of a server to test the simulator by
 * itself. It has no roles and no tokens.
 */
export class SmallSfu {
  readonly url: string;
  readonly members: Member[] = [];
  /** Client events in the order in which they came, as `event`. */
  readonly heard: string[] = [];
  readonly #worker: mediasoup.Worker;
  readonly #http: HttpServer;
  readonly #io: Server<ClientToServer, ServerToClient>;
  #router: mediasoup.Router;
  readonly #listeners = new Set<() => void>();

  private constructor(worker: mediasoup.Worker, router: mediasoup.Router, http: HttpServer) {
    this.#worker = worker;
    this.#router = router;
    this.#http = http;
    this.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    this.#io = new Server(http, { transports: ['websocket'] });
    this.#io.on('connection', (socket) => this.#welcome(socket));
  }

  static async create(): Promise<SmallSfu> {
    const worker = await createWorker({ logLevel: 'warn' });
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new SmallSfu(worker, await worker.createRouter({ mediaCodecs: CODECS }), http);
  }

  get router(): mediasoup.Router {
    return this.#router;
  }

  producers(): mediasoup.Producer[] {
    return this.members.flatMap((m) => [...m.producers.values()]);
  }

  producer(kind: 'audio' | 'video', member = 0): mediasoup.Producer {
    const found = [...(this.members[member]?.producers.values() ?? [])].find((p) => p.kind === kind);
    if (!found) throw new Error(`member ${member} sends no ${kind}`);
    return found;
  }

  /** Resolves when `condition` holds; it is looked at after each client event and whenever a producer's score changes. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
    });
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** A new, empty router, as after the death of a worker. */
  async reset(): Promise<void> {
    this.#router.close();
    this.#router = await this.#worker.createRouter({ mediaCodecs: CODECS });
    for (const member of this.members) {
      member.router = this.#router;
      member.transports.clear();
      member.producers.clear();
      member.consuming = null;
      member.socket.emit('media:reset', {
        reason: 'worker-died',
        routerRtpCapabilities: this.#router.rtpCapabilities as unknown as Record<string, unknown>,
      });
    }
  }

  /** Breaks a member's connection; its client is to come back. */
  breakConnection(member: number): void {
    this.members[member]?.socket.conn.close();
  }

  sendAway(member: number): void {
    this.members[member]?.socket.emit('left', { reason: 'removed', message: 'You were removed.' });
  }

  #welcome(socket: Socket<ClientToServer, ServerToClient>): void {
    const member: Member = {
      ...{ id: newId('p'), socket, router: this.#router, consuming: null },
      transports: new Map(),
      producers: new Map(),
      consumers: new Map(),
    };
    for (const event of Object.keys(ClientPayloads) as ClientEvent[]) {
      socket.on(
        event as never,
        (async (payload: unknown, ack: (answer: Ack<unknown>) => void) => {
          this.heard.push(event);
          try {
            ack({ ok: true, data: await this.#answer(member, event, payload) });
          } catch (error) {
            ack({ ok: false, error: { code: 'bad-request', message: (error as Error).message } });
          }
          this.#changed();
        }) as never,
      );
    }
    socket.on('disconnect', () => {
      for (const transport of member.transports.values()) transport.close();
      if (this.members.includes(member)) this.members.splice(this.members.indexOf(member), 1);
      this.#changed();
    });
  }

  async #answer(member: Member, event: ClientEvent, payload: unknown): Promise<unknown> {
    switch (event) {
      case 'join':
        this.members.push(member);
        return this.#joined(member);
      case 'leave':
        return {};
      case 'transport:create': {
        const transport = await member.router.createWebRtcTransport({
          listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }],
        });
        member.transports.set(transport.id, transport);
        const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
        return { id, iceParameters, iceCandidates, dtlsParameters };
      }
      case 'transport:connect': {
        const { transportId, dtlsParameters } = ClientPayloads[event].parse(payload);
        await member.transports
          .get(transportId)
          ?.connect({ dtlsParameters: dtlsParameters as mediasoup.DtlsParameters });
        return {};
      }
      case 'producer:create':
        return this.#produce(member, ClientPayloads[event].parse(payload));
      case 'producer:pause':
      case 'producer:resume': {
        const producer = member.producers.get(ClientPayloads[event].parse(payload).producerId);
        await (event === 'producer:pause' ? producer?.pause() : producer?.resume());
        return {};
      }
      case 'consumer:start': {
        const { transportId, rtpCapabilities } = ClientPayloads[event].parse(payload);
        const transport = member.transports.get(transportId);
        if (!transport) throw new Error('no such transport');
        member.consuming = { transport, rtpCapabilities: rtpCapabilities as mediasoup.RtpCapabilities };
        for (const other of this.members) {
          if (other !== member) for (const p of other.producers.values()) await this.#consume(member, other, p);
        }
        return {};
      }
      case 'consumer:resume':
        await member.consumers.get(ClientPayloads[event].parse(payload).consumerId)?.resume();
        return {};
      case 'consumer:size':
        return {};
      default:
        throw new Error(`${event} is not of this server`);
    }
  }

  #joined(member: Member): JoinAnswer {
    return {
      self: {
        ...{ id: member.id, name: '', role: 'cohost', seated: true, asking: false, presence: 'here', sources: [] },
      },
      ...{ peers: [], room: 'demo', broadcast: null, scene: null, iceServers: [], serverTime: Date.now() },
      routerRtpCapabilities: member.router.rtpCapabilities as unknown as Record<string, unknown>,
    };
  }

  async #produce(member: Member, given: (typeof ClientPayloads)['producer:create']['_output']) {
    const producer = await member.transports.get(given.transportId)?.produce({
      kind: given.source === 'camera' ? 'video' : 'audio',
      rtpParameters: given.rtpParameters as mediasoup.RtpParameters,
      paused: given.paused,
    });
    if (!producer) throw new Error('no such transport');
    member.producers.set(producer.id, producer);
    producer.on('score', () => this.#changed());
    for (const other of this.members) if (other !== member) await this.#consume(other, member, producer);
    return { producerId: producer.id };
  }

  async #consume(to: Member, from: Member, producer: mediasoup.Producer): Promise<void> {
    if (!to.consuming) return;
    const { transport, rtpCapabilities } = to.consuming;
    const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities, paused: true });
    to.consumers.set(consumer.id, consumer);
    to.socket.emit(
      'consumer:new',
      {
        ...{ id: consumer.id, producerId: producer.id, peerId: from.id, kind: producer.kind, producerPaused: false },
        source: producer.kind === 'video' ? 'camera' : 'microphone',
        rtpParameters: consumer.rtpParameters as unknown as Record<string, unknown>,
      },
      () => {},
    );
  }

  async close(): Promise<void> {
    await this.#io.close();
    this.#http.close();
    const died = new Promise<void>((resolve) => this.#worker.observer.once('close', () => resolve()));
    this.#worker.close();
    await died;
  }
}
