/** A real redis-server for tests, with its append-only file, on a port and in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { Secret } from '../../../src/common/Secret.ts';
import { freePort } from '../freePorts.ts';

const START_LIMIT_MS = 15_000;
/** Another process may take the port between our look and Redis'. */
const START_TRIES = 5;

export class RedisServer {
  readonly folder: string;
  readonly password: string;
  #port = 0;
  #child: ChildProcess | undefined;

  private constructor(folder: string, password: string) {
    this.folder = folder;
    this.password = password;
  }

  static async start({ password = '' } = {}): Promise<RedisServer> {
    const server = new RedisServer(await mkdtemp(join(tmpdir(), 'lianmai-redis-')), password);
    for (let attempt = 1; ; attempt++) {
      server.#port = await freePort();
      try {
        await server.run();
        return server;
      } catch (error) {
        if (attempt >= START_TRIES || !String(error).includes('in use')) throw error;
      }
    }
  }

  get port(): number {
    return this.#port;
  }

  get url(): Secret {
    return this.urlAt(this.#port);
  }

  /** Through a proxy. */
  urlAt(port: number): Secret {
    return new Secret(`redis://${this.password ? `:${this.password}@` : ''}127.0.0.1:${port}/0`);
  }

  /** Again on the same port, with the data that it had, or `empty`. */
  async run({ empty = false } = {}): Promise<void> {
    if (empty) await rm(join(this.folder, 'appendonlydir'), { recursive: true, force: true });
    const settings = ['--port', String(this.#port), '--bind', '127.0.0.1', '--dir', this.folder, '--save', ''];
    const password = this.password ? ['--requirepass', this.password] : [];
    const child = spawn('redis-server', [...settings, '--appendonly', 'yes', '--appendfsync', 'always', ...password], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const output: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`redis-server ${why}\n${output.join('\n')}`));
      const timer = setTimeout(() => fail('was not ready in time'), START_LIMIT_MS);
      child.once('error', (error) => fail(error.message));
      child.once('exit', () => fail('ended'));
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        output.push(line);
        if (!line.includes('Ready to accept connections')) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Keeps its connections and answers nothing. */
  hang(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** For what the test itself asks of it. */
  async ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url.reveal());
    try {
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }

  async flush(): Promise<void> {
    await this.ask((redis) => redis.flushall());
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
