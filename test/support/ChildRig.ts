/** A real compositor process (`compositor/main.ts`) on a real IPC channel, and a delivery node that keeps what is put. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { CompositorMessage } from '../../src/contracts/control.ts';
import type { Job } from '../../src/contracts/job.ts';
import { CollectingSink } from './pipelineHarness.ts';

type MessageOf<T extends CompositorMessage['type']> = Extract<CompositorMessage, { type: T }>;

const ENTRY = path.resolve(import.meta.dirname, '../../compositor/main.ts');

export class ChildRig {
  readonly messages: CompositorMessage[] = [];
  readonly sink = new CollectingSink();
  readonly process: ChildProcess;
  /** Answered to each PUT of a part. */
  answer: { status: number; body: string } = { status: 204, body: '' };
  readonly #server: Server;
  #waiters: (() => void)[] = [];
  readonly #exited: Promise<[code: number | null, signal: NodeJS.Signals | null]>;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const [, , , rendition = '', what = '', part] = (request.url ?? '').split('/');
        const data = Buffer.concat(chunks);
        if (what === 'init') this.sink.inits.set(rendition, data);
        else if (what === 'slate') this.sink.slates.set(rendition, data);
        else this.sink.putPart({ rendition, segment: Number(what), part: Number(part), data, endMs: 0 });
        const { status, body } = part === undefined ? { status: 204, body: '' } : this.answer;
        response.writeHead(status).end(body);
        this.#wake();
      });
    });
    this.process = spawn(process.execPath, [ENTRY], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'json',
      env: {
        PATH: process.env.PATH,
        LIANMAI_MEDIA_HOST: '127.0.0.1',
        LIANMAI_MEDIA_PORTS: '0-0',
        LIANMAI_LOG_LEVEL: 'silent',
      },
    });
    this.process.on('message', (message: CompositorMessage) => {
      const now = performance.now();
      if (message.type === 'clock-ask') this.process.send({ type: 'clock', t0: message.t0, t1: now, t2: now });
      this.messages.push(message);
      this.#wake();
    });
    this.#exited = once(this.process, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    this.#exited.then(
      () => this.#wake(),
      () => this.#wake(),
    );
  }

  static async create(): Promise<ChildRig> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const rig = new ChildRig(server);
    await rig.until(() => rig.messages.some((message) => (message.type as string) === 'warm'));
    return rig;
  }

  get deliveryUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Opens it and waits until it is bound. */
  async open(): Promise<MessageOf<'bound'>> {
    this.send({ type: 'open', protocol: 1, broadcast: 'btestbroadcast', compositor: 'ctestcompositor', fence: 1 });
    return this.next('bound');
  }

  send(message: object): void {
    this.process.send(message);
  }

  job(job: Job): void {
    this.send({ type: 'job', job });
  }

  /** The first message of this type, now or later. */
  async next<T extends CompositorMessage['type']>(
    type: T,
    wanted: (message: MessageOf<T>) => boolean = () => true,
  ): Promise<MessageOf<T>> {
    const find = () => this.messages.find((m): m is MessageOf<T> => m.type === type && wanted(m as MessageOf<T>));
    await this.until(() => find() !== undefined || this.process.exitCode !== null);
    const found = find();
    if (!found) throw new Error(`the child ended before ${type}: ${JSON.stringify(this.messages.at(-1))}`);
    return found;
  }

  /** Resolves when `ready()` is true; asked after each message and each PUT. */
  until(ready: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (ready()) resolve();
        else this.#waiters.push(look);
      };
      look();
    });
  }

  exited(): Promise<[code: number | null, signal: NodeJS.Signals | null]> {
    return this.#exited;
  }

  async close(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.#exited;
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #wake(): void {
    for (const look of this.#waiters.splice(0)) look();
  }
}
