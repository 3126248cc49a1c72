import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cacheFolder, childEnvironment, findProgram, isOlder, ROOT } from '../../../scripts/setup/project.mjs';

afterEach(() => vi.unstubAllEnvs());

describe('isOlder', () => {
  it.each([
    ['20.18.9', '20.19.0', true],
    ['18.20.0', '20.19.0', true],
    ['20.19.0', '20.19.0', false],
    ['20.20.2', '20.19.0', false],
    ['24.0.0', '20.19.0', false],
    ['25.0.0-nightly', '20.19.0', false],
  ])('%s against %s: %s', (version, oldest, answer) => {
    expect(isOlder(version, oldest)).toBe(answer);
  });
});

describe('cacheFolder', () => {
  it('follows XDG_CACHE_HOME when that is absolute', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/var/cache/me' })).toBe('/var/cache/me/lianmai');
    expect(cacheFolder({ XDG_CACHE_HOME: 'cache' })).toBe(join(homedir(), '.cache', 'lianmai'));
    expect(cacheFolder({})).toBe(join(homedir(), '.cache', 'lianmai'));
  });
});

describe('childEnvironment', () => {
  it("puts the project's programs first on the path, once", () => {
    const bin = join(ROOT, 'node_modules', '.bin');
    vi.stubEnv('PATH', ['/usr/bin', bin, '/bin'].join(delimiter));
    expect(childEnvironment().PATH).toBe([bin, '/usr/bin', '/bin'].join(delimiter));
  });

  it('names the worker only when there is one', () => {
    vi.stubEnv('MEDIASOUP_WORKER_BIN', '');
    expect(childEnvironment({ worker: '/w' }).MEDIASOUP_WORKER_BIN).toBe('/w');
    expect(childEnvironment().MEDIASOUP_WORKER_BIN).toBe('');
  });
});

describe('findProgram', () => {
  it('looks along the path', () => {
    expect(findProgram('sh')).toMatch(/\/sh$/);
    expect(findProgram('no-such-program-of-lianmai')).toBeUndefined();
  });
});
