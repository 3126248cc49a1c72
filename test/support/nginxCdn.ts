/** The nginx of docs/playback.md, as it stands there but for addresses and folders. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificate.ts';
import { freePort } from './freePorts.ts';
import { httpGet } from './httpGet.ts';

export interface NginxCdn {
  url: string;
  /** What it has logged of requests. */
  log(): Promise<string>;
  close(): Promise<void>;
}

/** Before `origin`, an http URL. */
export async function startNginxCdn(origin: string): Promise<NginxCdn> {
  const docs = await readFile(new URL('../../docs/playback.md', import.meta.url), 'utf8');
  const example = /^```nginx\n([\s\S]*?)^```/m.exec(docs)?.[1] ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-nginx-'));
  const certificate = await makeCertificate();
  const port = await freePort();
  const log = join(folder, 'access.log');
  const here: [string, string][] = [
    ['/var/cache/nginx/lianmai', join(folder, 'cache')],
    ['server 127.0.0.1:8080', `server ${new URL(origin).host}`],
    ['listen 443', `listen 127.0.0.1:${port}`],
    ['/etc/nginx/cert.pem', certificate.cert],
    ['/etc/nginx/key.pem', certificate.key],
    ['/var/log/nginx/lianmai.log', log],
  ];
  const server = here.reduce((config, [there, own]) => {
    if (!config.includes(there)) throw new Error(`docs/playback.md: nginx's example has no "${there}"`);
    return config.replace(there, own);
  }, example);
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    // As whoever runs the tests: the folders are theirs alone.
    `daemon off; user root; pid ${folder}/pid; worker_processes 1; events {}\nhttp {\n${server}\n}\n`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', file, '-e', join(folder, 'error.log')], { stdio: 'ignore' });
  const url = `https://localhost:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${await readFile(join(folder, 'error.log'), 'utf8')}`);
    if (await httpGet(url).catch(() => undefined)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    log: () => readFile(log, 'utf8'),
    async close() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await certificate.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
