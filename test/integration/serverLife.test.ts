/**
 * The server as a process: how it starts, refuses to start, and ends; no process is left, however it ends. Each test has a server of its own and mostly
 * waits for it; two or three at a time.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { SMALL } from '../support/FleetProcesses.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { descendantsOf, eventually, listProcesses, type ProcessInfo, ServerProcess } from '../support/ServerProcess.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ROOM = 'life';

/** A server with a running broadcast to an RTMP server: workers, compositors and an ffmpeg are its children. */
async function liveServer({ onTestFinished }: TestContext) {
  const rtmp = await RtmpServer.start();
  onTestFinished(() => rtmp.close());
  const server = await ServerProcess.start({ LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' });
  onTestFinished(async () => void (await server.stop('SIGKILL')));
  const api = new ServerApi(server.url);
  const swarm = new Swarm({ url: server.url, peers: 1, token: () => api.joinToken(ROOM, 'host') });
  onTestFinished(() => swarm.stop());
  await swarm.start();
  await api.startBroadcast(ROOM, { video: SMALL, destinations: [{ url: rtmp.url, key: 'life-key' }] });
  await rtmp.waitFor((call) => call.call === 'publish');
  const children = await descendantsOf(server.pid);
  const names = children.map((p) => p.command.join(' '));
  for (const kind of ['mediasoup-worker', 'compositor/main.ts', 'ffmpeg'])
    expect(names.some((n) => n.includes(kind))).toBe(true);
  return { server, rtmp, children };
}

async function gone(children: ProcessInfo[]): Promise<void> {
  await eventually(
    async () => {
      const now = await listProcesses();
      return !children.some((child) =>
        now.some((p) => p.pid === child.pid && p.command.join() === child.command.join()),
      );
    },
    `no orphan of ${children.map((c) => c.command.slice(0, 2).join(' ')).join(', ')}`,
    20_000,
  );
}

describe.concurrent('the end', () => {
  test('SIGTERM: playlists end, RTMP is closed, exit code 0, no orphan', async (context) => {
    const { server, rtmp, children } = await liveServer(context);
    const multivariant = `${server.url}/live/${ROOM}/index.m3u8`;
    const playlist = new URL(
      (await (await fetch(multivariant)).text()).split('\n').findLast((l) => l.endsWith('.m3u8')) ?? '',
      multivariant,
    );
    let last = '';
    // Follows the playlist while the server ends: the last answer that there is has to say that it is over.
    const following = (async () => {
      while (!last.includes('#EXT-X-ENDLIST')) {
        const answer = await fetch(playlist).catch(() => undefined);
        if (!answer) return;
        last = await answer.text();
        await delay(20);
      }
    })();
    expect(await server.stop('SIGTERM')).toBe(0);
    await following;
    expect(last).toContain('#EXT-X-ENDLIST');
    await rtmp.waitFor((call) => call.call === 'publish_done');
    await gone(children);
  });

  test('SIGKILL: no orphan', async (context) => {
    const { server, children } = await liveServer(context);
    await server.stop('SIGKILL');
    await gone(children);
  });
});

describe('the start', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server?.stop());

  async function startAndFail(env: Record<string, string>): Promise<{ code: number | null; text: string }> {
    const child = spawn(process.execPath, ['src/index.ts'], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
    return { code, text };
  }

  test.concurrent('beyond loopback without a secret: it refuses, and says why and what to do', async () => {
    const { code, text } = await startAndFail({ LIANMAI_HOST: '0.0.0.0' });
    expect(code).not.toBe(0);
    expect(text).toMatch(/LIANMAI_SECRET/);
    expect(text).not.toMatch(/\n\s+at /);
  });

  test.concurrent('a port that is in use: it says which, and what to do', async () => {
    const { code, text } = await startAndFail({
      LIANMAI_PORT: new URL(server.url).port,
      LIANMAI_INTERNAL_PORT: '0',
      LIANMAI_RTC_PORT: '0',
      LIANMAI_DATA_DIR: join(server.dataDir, 'another'),
    });
    expect(code).not.toBe(0);
    expect(text).toMatch(/in use.*--port/s);
  });

  test.concurrent('a data directory that another server has: it says which, and what to do', async () => {
    const { code, text } = await startAndFail({
      LIANMAI_PORT: '0',
      LIANMAI_INTERNAL_PORT: '0',
      LIANMAI_RTC_PORT: '0',
      LIANMAI_DATA_DIR: server.dataDir,
    });
    expect(code).toBe(1);
    expect(text).toContain(`uses the data directory ${server.dataDir}`);
    expect(text).toMatch(/--data-dir/);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });
});

describe.concurrent('the end in other ways', () => {
  test('SIGTERM twice: ends at once, no orphan', async (context) => {
    const { server, children } = await liveServer(context);
    // The end waits for each destination's last packets: an ffmpeg that stands keeps it from being over before the second signal.
    const ffmpegs = children.filter((child) => child.command.some((word) => word.includes('ffmpeg')));
    for (const { pid } of ffmpegs) process.kill(pid, 'SIGSTOP');
    server.child.kill('SIGTERM');
    await server.waitForLog((line) => line.msg === 'ending');
    server.child.kill('SIGTERM');
    expect(await server.ended()).toBe(130);
    for (const { pid } of ffmpegs) process.kill(pid, 'SIGCONT');
    await gone(children);
  });

  test('npm start is killed: the server ends by itself, no orphan', async (context) => {
    const { server, children } = await liveServer(context);
    // The channel is what `npm start` holds; this is what its death looks like to the server.
    server.child.disconnect();
    expect(await server.ended()).toBe(0);
    await gone(children);
  });
});
