import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type CompositorMessage, type CompositorStats, ControllerMessage } from '../../../src/contracts/control.ts';
import type { Job } from '../../../src/contracts/job.ts';

type Message<T extends ControllerMessage['type']> = Extract<ControllerMessage, { type: T }>;

const STATS: CompositorStats = {
  frame: 30,
  fps: 30,
  frames: 30,
  lateFrames: 0,
  repeatedFrames: 0,
  composeMsP50: 1,
  composeMsP95: 2,
  encodeMsP50: 3,
  encodeMsP95: 4,
  partLatencyMsP95: 5,
  bitrate: 2_500_000,
  cpuSeconds: 1,
  rssBytes: 1,
  clockErrorMs: 0.1,
  degradation: 'none',
  sources: {},
};

/** One Control connection, seen from the compositor: keeps what the controller says, and counts RTP packets by SSRC on a real UDP port. */
export class FakeCompositor {
  readonly messages: ControllerMessage[] = [];
  readonly packets = new Map<number, number>();
  /** `bound` on open, `ready` on the first job, `applied` on every job, `ended` on stop. */
  readonly answers: Set<'bound' | 'ready' | 'applied' | 'ended'>;
  /** The close code. */
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #can: { countsSlots: boolean; returns: boolean };
  readonly #udp: Socket = createSocket('udp4');
  readonly #events = new EventEmitter();

  constructor(
    socket: WebSocket,
    answers: Set<'bound' | 'ready' | 'applied' | 'ended'>,
    can: { countsSlots: boolean; returns: boolean },
  ) {
    this.#socket = socket;
    this.#can = can;
    this.answers = answers;
    this.closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
    socket.on('message', (data) => this.#receive(ControllerMessage.parse(JSON.parse(String(data)))));
    socket.once('close', () => this.#udp.close());
    this.#udp.on('message', (packet) => {
      const rtcp = (packet[1] ?? 0) >= 192 && (packet[1] ?? 0) <= 223;
      if (rtcp) return;
      const ssrc = packet.readUInt32BE(8);
      this.packets.set(ssrc, (this.packets.get(ssrc) ?? 0) + 1);
      this.#events.emit('packet');
    });
  }

  say(message: CompositorMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  stats(stats: Partial<CompositorStats> = {}): void {
    this.say({ type: 'stats', stats: { ...STATS, ...stats } });
  }

  /** The connection breaks as a network's does. */
  cut(): void {
    this.#socket.terminate();
  }

  all<T extends ControllerMessage['type']>(type: T): Message<T>[] {
    return this.messages.filter((m): m is Message<T> => m.type === type);
  }

  async message<T extends ControllerMessage['type']>(type: T, count = 1): Promise<Message<T>> {
    for (;;) {
      const message = this.all(type)[count - 1];
      if (message) return message;
      await once(this.#events, 'message');
    }
  }

  /** The first job, sent already or to come, for which this holds. */
  async job(holds: (job: Job) => boolean): Promise<Job> {
    for (;;) {
      const found = this.all('job').find(({ job }) => holds(job));
      if (found) return found.job;
      await once(this.#events, 'message');
    }
  }

  /** More packets of this SSRC than there have been. */
  async morePackets(ssrc: number, count = 3): Promise<void> {
    const before = this.packets.get(ssrc) ?? 0;
    while ((this.packets.get(ssrc) ?? 0) < before + count) await once(this.#events, 'packet');
  }

  #receive(message: ControllerMessage): void {
    this.messages.push(message);
    if (message.type === 'open' && this.answers.has('bound')) this.#bind();
    if (message.type === 'job') {
      if (this.all('job').length === 1 && this.answers.has('ready')) this.say({ type: 'ready' });
      if (this.answers.has('applied')) this.say({ type: 'applied', fromFrame: message.job.fromFrame });
    }
    if (message.type === 'stop' && this.answers.has('ended')) {
      this.say({ type: 'ended', reason: 'stopped', lastSegment: message.lastSegment ?? 5, message: '' });
    }
    this.#events.emit('message');
  }

  #bind(): void {
    this.#udp.bind(0, '127.0.0.1', () => {
      const { address: ip, port } = this.#udp.address();
      const { countsSlots, returns } = this.#can;
      const keyBase64 = randomBytes(28).toString('base64');
      this.say({
        type: 'bound',
        ip,
        port,
        srtpParameters: { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64 },
        pid: 1,
        ...(countsSlots ? { countsSlots } : {}),
        ...(returns ? { returns } : {}),
      });
    });
  }
}

/** The agent's end of interface 2, in the test's own process, so that a test sees every message. */
export class FakeAgent {
  readonly compositors: FakeCompositor[] = [];
  /** Instead of a compositor. */
  refuse = false;
  /** As one that takes `slots`. */
  countsSlots = false;
  /** As one whose compositors send their program back. */
  returns = false;
  /** For the next compositors. */
  answers: ('bound' | 'ready' | 'applied' | 'ended')[] = ['bound', 'ready', 'applied', 'ended'];
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #events = new EventEmitter();

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      if (this.refuse) {
        const refusal: CompositorMessage = { type: 'refused', code: 'busy', message: 'all in use' };
        ws.send(JSON.stringify(refusal), () => ws.close());
        return;
      }
      this.compositors.push(new FakeCompositor(ws, new Set(this.answers), this));
      this.#events.emit('compositor');
    });
  }

  /** The `count`th compositor, when it has been asked for. */
  async compositor(count = 1): Promise<FakeCompositor> {
    for (;;) {
      const compositor = this.compositors[count - 1];
      if (compositor) return compositor;
      await once(this.#events, 'compositor');
    }
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }
}
