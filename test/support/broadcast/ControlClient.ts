import { EventEmitter, once } from 'node:events';
import { WebSocket } from 'ws';
import type { CompositorMessage, ControllerMessage } from '../../../src/contracts/control.ts';
import type { Job } from '../../../src/contracts/job.ts';
import { Scene } from '../../../src/contracts/scene.ts';

type Message<T extends CompositorMessage['type']> = Extract<CompositorMessage, { type: T }>;

/** The controller's end of interface 2, bare: says what a test wants, keeps what comes. */
export class ControlClient {
  readonly messages: CompositorMessage[] = [];
  readonly socket: WebSocket;
  /** The close code. */
  readonly closed: Promise<number>;
  readonly #events = new EventEmitter();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
    socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as CompositorMessage);
      this.#events.emit('message');
    });
  }

  /** Rejects with ws's error when the upgrade is refused. */
  static async connect(base: string, token = 'good'): Promise<ControlClient> {
    const socket = new WebSocket(`${base.replace('http', 'ws')}/control`, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
    });
    const client = new ControlClient(socket);
    await once(socket, 'open');
    return client;
  }

  send(message: ControllerMessage | Record<string, unknown>): this {
    this.socket.send(JSON.stringify(message));
    return this;
  }

  /** `slots`: left out by a controller of before. */
  open(slots?: number): this {
    const open = { protocol: 1, broadcast: 'baaaaaaaaaaaa', compositor: 'caaaaaaaaaaaa', fence: 1 };
    return this.send({ type: 'open', ...open, ...(slots === undefined ? {} : { slots }) });
  }

  /** Brings the child to `ready`; its pid. */
  async ready(): Promise<number> {
    const { pid } = await this.open().message('bound');
    this.send({ type: 'job', job: emptyJob() });
    await this.message('ready');
    return pid;
  }

  async message<T extends CompositorMessage['type']>(type: T): Promise<Message<T>> {
    for (;;) {
      const found = this.messages.find((m): m is Message<T> => m.type === type);
      if (found) return found;
      await once(this.#events, 'message');
    }
  }
}

/** A job for a room with nobody in it. */
export const emptyJob = (): Job => ({
  protocol: 1,
  broadcast: 'baaaaaaaaaaaa',
  compositor: 'caaaaaaaaaaaa',
  fence: 1,
  epoch: 1_700_000_000_000,
  startMs: 0,
  grid: { fps: 30, framesPerSegment: 60, framesPerPart: 10, sampleRate: 48_000 },
  encoder: { codec: 'libx264', fallback: false, preset: 'veryfast', tune: 'zerolatency', profile: 'main', threads: 1 },
  renditions: [
    { id: 'v720', kind: 'video', width: 1280, height: 720, bitrate: 2_500_000 },
    { id: 'a0', kind: 'audio', bitrate: 128_000 },
  ],
  deliveryUrl: 'http://127.0.0.1:9',
  deliveryFrom: 0,
  token: 'token',
  firstSegment: 0,
  fromFrame: 0,
  scene: Scene.parse({}),
  peers: [],
  sources: [],
  active: null,
  speaking: [],
  assetsUrl: null,
});
