/** The yardstick: nginx with one worker that serves the same bytes as static files. In: a folder; out: a port, and its worker's process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../test/support/freePorts.ts';
import { eventually, listProcesses } from '../../../test/support/ServerProcess.ts';

export class NginxFiles {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Serves `folder`/files. */
  static async start(folder: string): Promise<NginxFiles> {
    await mkdir(join(folder, 'files'), { recursive: true });
    // nginx's worker gives up root's rights.
    await chmod(folder, 0o755);
    const port = await freePort();
    const conf = join(folder, 'nginx.conf');
    await writeFile(conf, configuration(folder, port));
    const child = spawn('nginx', ['-p', folder, '-c', conf, '-e', join(folder, 'error.log')], { stdio: 'ignore' });
    const nginx = new NginxFiles(child, port);
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${await readFile(join(folder, 'error.log'), 'utf8')}`);
      return (await nginx.#workers()).length > 0;
    }, 'nginx has a worker');
    return nginx;
  }

  async workerPid(): Promise<number> {
    const [worker] = await this.#workers();
    if (!worker) throw new Error('nginx has no worker');
    return worker.pid;
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }

  async #workers() {
    return (await listProcesses()).filter(({ parent }) => parent === this.#child.pid);
  }
}

/** Access is not logged; files stay open: nginx at its best. */
function configuration(folder: string, port: number): string {
  return `daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${join(folder, 'nginx.pid')};
events { worker_connections 19000; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 600s;
  keepalive_requests 1000000;
  open_file_cache max=20000 inactive=600s;
  open_file_cache_valid 600s;
  types { application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }
  server {
    listen 127.0.0.1:${port} backlog=4096 reuseport;
    root ${join(folder, 'files')};
    gzip_static on;
  }
}
`;
}
