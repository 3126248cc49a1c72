import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Scene } from '../../../src/contracts/scene.ts';
import { RoomFiles } from '../../../src/rooms/RoomFiles.ts';
import { SceneStore } from '../../../src/rooms/SceneStore.ts';
import { SeatMemory } from '../../../src/rooms/SeatMemory.ts';

const red = Scene.parse({ background: '#ff0000' });
const logger = pino({ level: 'silent' });
const ANN = { identity: 'ann', id: 'pannannann' };
const BOB = { identity: 'bob', id: 'pbobbobbob' };
const host = (sub: string) => ({ sub, role: 'host' as const });
const audience = (sub: string) => ({ sub, role: 'audience' as const });

let dataDir: string;
let now = 0;
const clock = { now: () => now };
beforeEach(async () => {
  now = 0;
  dataDir = await mkdtemp(join(tmpdir(), 'lianmai-rooms-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** What the next process begins with. */
function nextProcess() {
  const files = RoomFiles.open(dataDir, logger);
  return { files, scenes: new SceneStore({ files, capacity: 3 }), seats: new SeatMemory(clock, files) };
}

describe('scenes', () => {
  test('a scene is there in the next process, at its version', () => {
    const { scenes } = nextProcess();
    scenes.set('demo', red, 1);
    expect(nextProcess().scenes.get('demo')).toEqual({ version: 2, scene: red });
    expect(() => nextProcess().scenes.set('demo', red, 1)).toThrow('The scene is at version 2, not 1.');
    expect(nextProcess().scenes.get('other').version).toBe(1);
  });

  test('one that was forgotten, or was too many, has no file', async () => {
    const { scenes } = nextProcess();
    for (const room of ['a', 'b', 'c', 'd']) scenes.set(room, red, 1);
    scenes.forget('b');
    expect([...new Set((await readdir(join(dataDir, 'rooms'))).map((n) => n.replace(/\.\d$/, '')))]).toEqual([
      'c',
      'd',
    ]);
    expect(
      nextProcess()
        .scenes.entries()
        .map(([room]) => room),
    ).toEqual(['c', 'd']);
  });

  test('a file that can not be read costs its own room only', async () => {
    const { scenes } = nextProcess();
    scenes.set('good', red, 1);
    scenes.set('bad', red, 1);
    for (const n of [0, 1]) await writeFile(join(dataDir, 'rooms', `bad.${n}`), 'x');
    expect(nextProcess().scenes.get('good').version).toBe(2);
    expect(nextProcess().scenes.get('bad').version).toBe(1);
  });
});

describe('seats', () => {
  test('who sat has the same id and the seat again, once, whoever comes first', () => {
    nextProcess().seats.seated('demo', [ANN, BOB]);
    const { seats } = nextProcess();
    expect(seats.claim('demo', host('bob'), undefined)).toMatchObject({ peer: BOB.id });
    expect(seats.claim('demo', host('bob'), undefined)).toBeUndefined();
    expect(seats.claim('other', host('ann'), undefined)).toBeUndefined();
    expect(seats.claim('demo', host('eve'), ANN.id)).toBeUndefined();
    expect(seats.claim('demo', host('ann'), undefined)).toMatchObject({ peer: ANN.id });
  });

  test('audience has to name the seat: the same person may only watch in another page', () => {
    nextProcess().seats.seated('demo', [ANN]);
    const { seats } = nextProcess();
    expect(seats.claim('demo', audience('ann'), undefined)).toBeUndefined();
    expect(seats.claim('demo', audience('ann'), BOB.id)).toBeUndefined();
    expect(seats.claim('demo', audience('ann'), ANN.id)).toMatchObject({ peer: ANN.id });
  });

  test('who has not come back before another crash still may; not after some minutes', () => {
    nextProcess().seats.seated('demo', [ANN, BOB]);
    const second = nextProcess().seats;
    second.claim('demo', host('bob'), undefined);
    second.seated('demo', [BOB]);
    const third = nextProcess().seats;
    expect(third.claim('demo', host('ann'), undefined)).toMatchObject({ peer: ANN.id });
    now = 6 * 60_000;
    expect(third.claim('demo', host('bob'), undefined)).toBeUndefined();
  });

  test('a room that is closed, or empty without a scene, leaves no file', async () => {
    const { seats, scenes } = nextProcess();
    scenes.set('demo', red, 1);
    seats.seated('demo', [ANN]);
    scenes.forget('demo');
    seats.forget('demo');
    seats.seated('empty', [ANN]);
    seats.seated('empty', []);
    expect(await readdir(join(dataDir, 'rooms'))).toEqual([]);
  });

  test('who sat a week ago does not sit any more; the scene stays', async () => {
    const { seats, scenes } = nextProcess();
    scenes.set('demo', red, 1);
    seats.seated('demo', [ANN]);
    seats.seated('empty', [ANN]);
    const longAgo = new Date(Date.now() - 8 * 86_400_000);
    const folder = join(dataDir, 'rooms');
    for (const name of await readdir(folder)) await utimes(join(folder, name), longAgo, longAgo);
    const next = nextProcess();
    expect(next.seats.claim('demo', host('ann'), undefined)).toBeUndefined();
    expect(next.scenes.get('demo').version).toBe(2);
    expect((await readdir(folder)).filter((name) => name.startsWith('empty'))).toEqual([]);
  });
});
