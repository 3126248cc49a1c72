import { describe, expect, test } from 'vitest';
import { MemoryDirectory } from '../../../src/directory/MemoryDirectory.ts';
import { memoryRig } from '../../support/directory/memoryRig.ts';
import { directorySuite } from '../../support/directory/suite.ts';

describe('a directory in memory', () => directorySuite(memoryRig));

describe('MemoryDirectory of role all', () => {
  test('names the configured nodes, counts what was placed, and is always ready', async () => {
    const directory = new MemoryDirectory({ agents: () => ['http://a/', 'http://b'], delivery: () => 'http://d/' });
    await directory.placed('http://a', 'c1');
    await directory.placed('http://a', 'c2');
    expect((await directory.agents()).map(({ url, load }) => [url, load])).toEqual([
      ['http://a', 2],
      ['http://b', 0],
    ]);
    await directory.released('c1');
    await directory.released('c1');
    expect((await directory.agents())[0]?.load).toBe(1);
    expect(await directory.delivery('b1')).toBe('http://d');
    expect(directory.readiness()).toEqual({ ready: true, reason: '' });
    await directory.close();
  });
});
