import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** An SRT server on loopback: ffmpeg, which takes one caller and ends with it. */
export class SrtListener {
  readonly port: number;
  readonly #options: string;
  #child: ChildProcess | undefined;
  /** How often it has been started. */
  starts = 0;

  private constructor(port: number, options: string) {
    this.port = port;
    this.#options = options;
  }

  /** `options`: of libsrt, as a query. */
  static async start(options = ''): Promise<SrtListener> {
    const listener = new SrtListener(await freeUdpPort(), options);
    listener.run();
    return listener;
  }

  get url(): string {
    return `srt://127.0.0.1:${this.port}`;
  }

  /** Listens, again on the same port after it has ended. */
  run(): void {
    this.starts += 1;
    const input = `${this.url}?mode=listener${this.#options ? `&${this.#options}` : ''}`;
    this.#child = spawn('ffmpeg', ['-v', 'error', '-i', input, '-c', 'copy', '-f', 'null', '-'], { stdio: 'ignore' });
  }

  /** Resolves when its caller has said goodbye, or was silent for SRT's idle time of 5 s. */
  async ended(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  hang(): void {
    this.#child?.kill('SIGSTOP');
  }

  async close(): Promise<void> {
    this.#child?.kill('SIGCONT');
    this.#child?.kill('SIGKILL');
    await this.ended();
  }
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
