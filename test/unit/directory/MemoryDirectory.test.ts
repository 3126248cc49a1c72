import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { MemoryDirectory } from '../../../src/directory/MemoryDirectory.ts';
import { RoomHomes } from '../../../src/directory/RoomHomes.ts';
import { homesSuite } from '../../support/directory/homesSuite.ts';
import { memoryRig } from '../../support/directory/memoryRig.ts';
import { directorySuite } from '../../support/directory/suite.ts';

const logger = pino({ level: 'silent' });

describe('a directory in memory', () => {
  directorySuite(memoryRig);
  homesSuite(memoryRig);
});

describe('MemoryDirectory of role all', () => {
  test('every room is at home here', async () => {
    const directory = new MemoryDirectory({ node: 'http://a' });
    const homes = await RoomHomes.create({ directory, logger });
    expect(await homes.homeOf('r')).toEqual({ url: 'http://a', own: true });
    await homes.release('r');
    expect(await homes.homeOf('r')).toEqual({ url: 'http://a', own: true });
    await directory.close();
  });

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
