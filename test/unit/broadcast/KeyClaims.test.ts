import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Destination, newDestination } from '../../../src/broadcast/destinations.ts';
import { ELSEWHERE, KeyClaims } from '../../../src/broadcast/KeyClaims.ts';
import { MemoryStore } from '../../../src/directory/MemoryStore.ts';
import { SharedDirectory } from '../../../src/directory/SharedDirectory.ts';
import { CutStore } from '../../support/directory/FleetRig.ts';

const [ONE, TWO] = ['bone111111', 'btwo222222'];
const logger = pino({ level: 'silent' });

let store: MemoryStore;
const directories: SharedDirectory[] = [];
beforeEach(() => {
  store = new MemoryStore();
});
afterEach(() => Promise.all(directories.splice(0).map((directory) => directory.close())));

function node(name: string) {
  const line = new CutStore(store);
  const directory = new SharedDirectory({ store: line, node: `http://${name}`, logger });
  directories.push(directory);
  return { line, directory, keys: new KeyClaims(directory) };
}
const make = (key: string, name = 'cdn'): Promise<Destination> =>
  newDestination({ name, url: 'rtmp://cdn.example/app', key, reconnectSeconds: null }, async (url) => url);

describe('a stream key in a fleet', () => {
  test('is one broadcast’s: another node’s gets it when it was given back', async () => {
    const [a, b] = [node('a'), node('b')];
    expect(await a.keys.reserve('k', 'd1', ONE)).toBeUndefined();
    expect(await a.keys.reserve('k', 'd1', ONE)).toBeUndefined();
    expect(await a.keys.reserve('k', 'd2', ONE)).toBe('d1');
    expect(await b.keys.reserve('k', 'd3', TWO)).toBe(ELSEWHERE);
    a.keys.release('k', 'd2');
    expect(await b.keys.reserve('k', 'd3', TWO)).toBe(ELSEWHERE);
    a.keys.release('k', 'd1');
    expect(await b.keys.reserve('k', 'd3', TWO)).toBeUndefined();
    expect((await a.directory.find('stream-key', 'k'))?.data).toEqual({ broadcast: TWO });
  });

  test('of several all are had, or none; the sentence is the one of a single node', async () => {
    const [a, b] = [node('a'), node('b')];
    await a.keys.reserve((await make('taken')).identity, 'd1', ONE);
    const wanted = [await make('free'), await make('taken')];
    await expect(b.keys.reserveAll(wanted, TWO)).rejects.toThrow('another broadcast of this server');
    expect(await a.keys.reserve((await make('free')).identity, 'd2', ONE)).toBeUndefined();
    const twice = [await make('twice', 'YouTube'), await make('twice')];
    await expect(b.keys.reserveAll(twice, TWO)).rejects.toThrow("destination 'YouTube' of this broadcast");
  });

  test('goes over to the heir of its broadcast at once, and the node before it hears so', async () => {
    const [a, b] = [node('a'), node('b')];
    await a.keys.reserve('k', 'd1', ONE);
    const lost = new Promise<string>((resolve) => a.keys.once('lost', resolve));
    a.line.cut();
    const claimed = await b.directory.claim('broadcast', ONE, { url: 'http://b', room: 'r' });
    await b.keys.adopt('k', 'd1', ONE, claimed.lease?.fence ?? 0);
    expect((await b.directory.find('stream-key', 'k'))?.holder).toBe('http://b');
    a.line.mend();
    expect(await lost).toBe('d1');
    // What is not ours any more is not given back by us.
    a.keys.release('k', 'd1');
    expect(await a.keys.reserve('k', 'd4', TWO)).toBe(ELSEWHERE);
  });

  test('can not be promised while the directory is away', async () => {
    const a = node('a');
    a.line.cut();
    await expect(a.keys.reserve('k', 'd1', ONE)).rejects.toMatchObject({ code: 'directory-unavailable' });
    a.line.mend();
    expect(await a.keys.reserve('k', 'd2', ONE)).toBeUndefined();
  });
});
