import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  cacheNames,
  downloadWorker,
  findWorker,
  ninjaProgress,
  prebuiltUrl,
  workerRuns,
} from '../../../scripts/setup/mediasoupWorker.mjs';

/** Ends as mediasoup-worker does when it is started by hand. */
const STAND_IN = '#!/bin/sh\nexit 41\n';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lianmai-worker-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function program(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

describe('workerRuns', () => {
  it('knows a worker by what it says to being started by hand', () => {
    expect(workerRuns(program('worker', STAND_IN))).toBe(true);
    expect(workerRuns(program('other', '#!/bin/sh\nexit 0\n'))).toBe(false);
    expect(workerRuns(program('no-program', 'text'))).toBe(false);
    expect(workerRuns(join(folder, 'not-there'))).toBe(false);
  });

  it('keeps our environment from it', () => {
    vi.stubEnv('MEDIASOUP_VERSION', '3.0.0');
    expect(workerRuns(program('worker', '#!/bin/sh\n[ -z "$MEDIASOUP_VERSION" ] && exit 41\n'))).toBe(true);
  });
});

describe('findWorker', () => {
  it('takes the one that MEDIASOUP_WORKER_BIN names', () => {
    const worker = program('worker', STAND_IN);
    vi.stubEnv('MEDIASOUP_WORKER_BIN', worker);
    expect(findWorker()).toBe(worker);
  });

  it('refuses to go on with one that does not run', () => {
    vi.stubEnv('MEDIASOUP_WORKER_BIN', join(folder, 'not-there'));
    expect(() => findWorker()).toThrow(/MEDIASOUP_WORKER_BIN is .*not-there/);
  });
});

describe('cacheNames', () => {
  it('has all that makes another program in the name', () => {
    const key = { version: '3.27.1', adapters: '0123456789abcdef', platform: 'linux', arch: 'x64' };
    expect(cacheNames(key)).toEqual({
      built: 'mediasoup-worker-3.27.1-0123456789ab-linux-x64',
      downloaded: 'mediasoup-worker-3.27.1-prebuilt-linux-x64',
    });
  });
});

describe('prebuiltUrl', () => {
  const mediasoup = { version: '3.27.1', repository: { url: 'git+https://example.org/mediasoup.git' } };

  it("follows mediasoup's naming", () => {
    expect(prebuiltUrl(mediasoup, { platform: 'linux', arch: 'x64', kernel: '6.1.0-28-amd64' })).toBe(
      'https://example.org/mediasoup/releases/download/3.27.1/mediasoup-worker-3.27.1-linux-x64-kernel6.tgz',
    );
    expect(prebuiltUrl(mediasoup, { platform: 'darwin', arch: 'arm64', kernel: '24.1.0' })).toMatch(
      /mediasoup-worker-3\.27\.1-darwin-arm64\.tgz$/,
    );
  });

  it('takes another base', () => {
    const machine = { platform: 'linux', arch: 'x64', kernel: '6.1', base: 'http://mirror' };
    expect(prebuiltUrl(mediasoup, machine)).toMatch(/^http:\/\/mirror\/3\.27\.1\//);
  });
});

describe('ninjaProgress', () => {
  it('reads the counter', () => {
    expect(ninjaProgress('[177/261] Compiling C++ object mediasoup-worker.p/src_RTC.cpp.o')).toEqual({
      done: 177,
      total: 261,
    });
    expect(ninjaProgress('ninja: Entering directory `/tmp/build`')).toBeUndefined();
  });
});

describe('downloadWorker', () => {
  async function downloadFrom(answer: RequestListener) {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    vi.stubEnv(
      'MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL',
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    );
    const file = join(folder, 'cached');
    try {
      return { file, obstacle: await downloadWorker(file) };
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  function tarball(text: string): Buffer {
    program('mediasoup-worker', text);
    const made = execFileSync('tar', ['-czf', '-', '-C', folder, 'mediasoup-worker']);
    rmSync(join(folder, 'mediasoup-worker'));
    return made;
  }

  it('puts the program in place', async () => {
    const content = tarball(STAND_IN);
    const { file, obstacle } = await downloadFrom((_request, response) => response.end(content));
    expect(obstacle).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toBe(STAND_IN);
    expect(readdirSync(folder)).toEqual(['cached']);
  });

  it.each<[string, RegExp, RequestListener]>([
    ['there is none', /404/, (_request, response) => response.writeHead(404).end()],
    ['it does not run here', /does not run/, (_request, response) => response.end(tarball('#!/bin/sh\nexit 1\n'))],
    ['it is no archive', /./, (_request, response) => response.end('<html>Please log in</html>')],
    ['the connection ends', /./, (request) => request.socket.destroy()],
  ])('says why not when %s, and leaves nothing', async (_what, expected, answer) => {
    const { obstacle } = await downloadFrom(answer);
    expect(obstacle).toMatch(expected);
    expect(readdirSync(folder)).toEqual([]);
  });
});
