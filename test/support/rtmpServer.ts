/** A real RTMP server for tests: nginx with its RTMP module, on ports and in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TypedEmitter } from '../../src/common/TypedEmitter.ts';
import { freePorts } from './freePorts.ts';

const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find(existsSync) ?? 'nginx';
const MODULES = ['/usr/lib/nginx/modules', '/usr/share/nginx/modules', '/usr/lib64/nginx/modules'];
const MODULE = 'ngx_rtmp_module.so';
const START_LIMIT_MS = 15_000;
/** Another process may take a port between our look and nginx's. */
const START_TRIES = 5;

/** What nginx tells of a publisher or player. */
export interface RtmpCall {
  call: 'publish' | 'publish_done' | 'play' | 'record_done';
  app: string;
  name: string;
  tcUrl: string;
  /** Everything else: the stream key's query, the recording's `path`. */
  fields: Record<string, string>;
}

interface ServerEvents {
  call: [call: RtmpCall];
}

export class RtmpServer extends TypedEmitter<ServerEvents> {
  readonly folder: string;
  readonly calls: RtmpCall[] = [];
  /** Stream keys that are turned away. */
  readonly denied = new Set<string>();
  readonly #hooks: Server;
  /** Publishers of each stream key now, and the most at a time. */
  readonly #publishing = new Map<string, number>();
  readonly #most = new Map<string, number>();
  #child: ChildProcess | undefined;
  #port = 0;
  #statPort = 0;

  private constructor(folder: string, hooks: Server) {
    super();
    this.folder = folder;
    this.#hooks = hooks;
  }

  static async start(): Promise<RtmpServer> {
    const folder = await mkdtemp(join(tmpdir(), 'lianmai-rtmp-'));
    await mkdir(join(folder, 'rec'), { recursive: true });
    let server: RtmpServer;
    const hooks = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        response.writeHead(server.#hook(body) ? 200 : 403).end();
      });
    });
    await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve));
    server = new RtmpServer(folder, hooks);
    await server.run();
    return server;
  }

  /** `rtmp://127.0.0.1:PORT/live`; append the stream key. */
  get url(): string {
    return `rtmp://127.0.0.1:${this.#port}/live`;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How often a stream key was published. */
  publishes(name: string): number {
    return this.calls.filter((c) => c.call === 'publish' && c.name === name).length;
  }

  /** The most that published a stream key at the same time, of those who were not turned away. */
  mostPublishers(name: string): number {
    return this.#most.get(name) ?? 0;
  }

  /** Resolves as soon as nginx has told of such a call, at once when it has already. */
  async waitFor(matches: (call: RtmpCall) => boolean, limitMs = 60_000): Promise<RtmpCall> {
    const there = this.calls.find(matches);
    if (there) return there;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.off('call', listener);
        reject(new Error(`no such RTMP call; there were ${JSON.stringify(this.calls)}`));
      }, limitMs);
      const listener = (call: RtmpCall): void => {
        if (!matches(call)) return;
        clearTimeout(timer);
        this.off('call', listener);
        resolve(call);
      };
      this.on('call', listener);
    });
  }

  /** Finished and running recordings (FLV), oldest first. */
  async recordings(): Promise<string[]> {
    const names = await readdir(join(this.folder, 'rec'));
    return names.sort().map((name) => join(this.folder, 'rec', name));
  }

  /** The RTMP module's statistics page (XML). */
  async stat(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#statPort}/stat`)).text();
  }

  /** Starts it, again on the same ports after `kill` or `stop`. */
  async run(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      if (this.#port === 0) [this.#port = 0, this.#statPort = 0] = await freePorts(2);
      await writeFile(join(this.folder, 'nginx.conf'), this.#config());
      try {
        await this.#spawn();
        return;
      } catch (error) {
        if (attempt >= START_TRIES || !String(error).includes('in use')) throw error;
        this.#port = 0;
      }
    }
  }

  /** Keeps its connections and does nothing: a server that hangs. */
  hang(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(signal);
    await gone;
    // Whoever published has lost his connection, and nobody is left to tell of it.
    this.#publishing.clear();
  }

  async close(): Promise<void> {
    await this.kill();
    await new Promise((resolve) => this.#hooks.close(resolve));
    await rm(this.folder, { recursive: true, force: true });
  }

  #hook(body: string): boolean {
    const { call = '', app = '', name = '', tcurl = '', ...fields } = Object.fromEntries(new URLSearchParams(body));
    const seen = { call: call as RtmpCall['call'], app, name, tcUrl: tcurl, fields };
    this.calls.push(seen);
    const denied = call === 'publish' && this.denied.has(name);
    if (!denied) this.#count(seen);
    this.emit('call', seen);
    return !denied;
  }

  #count({ call, name }: RtmpCall): void {
    if (call !== 'publish' && call !== 'publish_done') return;
    const now = Math.max(0, (this.#publishing.get(name) ?? 0) + (call === 'publish' ? 1 : -1));
    this.#publishing.set(name, now);
    this.#most.set(name, Math.max(now, this.mostPublishers(name)));
  }

  async #spawn(): Promise<void> {
    const child = spawn(
      NGINX,
      ['-p', this.folder, '-e', join(this.folder, 'error.log'), '-c', join(this.folder, 'nginx.conf')],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    this.#child = child;
    let complaint = '';
    child.stderr?.on('data', (chunk) => {
      complaint += chunk;
    });
    child.once('error', (error) => {
      complaint += `${error.message}; install nginx and libnginx-mod-rtmp`;
    });
    const until = performance.now() + START_LIMIT_MS;
    while (!(await accepts(this.#port)) || !(await accepts(this.#statPort))) {
      if (child.exitCode !== null || complaint.includes('ENOENT')) throw new Error(`nginx did not start: ${complaint}`);
      if (performance.now() > until) throw new Error(`nginx was not ready in time: ${complaint}`);
      await delay(20);
    }
  }

  #config(): string {
    const hook = `http://127.0.0.1:${(this.#hooks.address() as AddressInfo).port}/hook`;
    const module = MODULES.map((folder) => join(folder, MODULE)).find(existsSync);
    if (!module) throw new Error(`there is no ${MODULE}; install libnginx-mod-rtmp`);
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${this.folder}/${n};`);
    const hooks = ['publish', 'publish_done', 'play', 'record_done'].map((n) => `on_${n} ${hook};`);
    return `
load_module ${module};
daemon off;
master_process off;
pid ${this.folder}/nginx.pid;
error_log ${this.folder}/error.log info;
events { worker_connections 256; }
rtmp {
  access_log off;
  notify_method post;
  server {
    listen 127.0.0.1:${this.#port};
    chunk_size 4096;
    application live { live on; ${hooks.join(' ')} record all; record_path ${this.folder}/rec; record_unique on; }
    application "live/inst" { live on; ${hooks.join(' ')} }
  }
}
http {
  access_log off;
  ${temp.join(' ')}
  server { listen 127.0.0.1:${this.#statPort}; location /stat { rtmp_stat all; } }
}
`;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
