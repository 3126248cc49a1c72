import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AssetStore } from '../../../src/assets/AssetStore.ts';
import { assetsOf, checkAssets } from '../../../src/assets/sceneAssets.ts';
import { Scene } from '../../../src/contracts/scene.ts';

let folder: string;
const logger = pino({ level: 'silent' });
const svg = (text: string) => Buffer.from(`<svg>${text}</svg>`);
const idOf = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const open = (maxBytes = 1_000) => AssetStore.create({ folder, maxBytes, logger });

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'lianmai-assets-')), 'assets');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the id is the hash of the bytes; the file is for the owner alone; a second time is the same', async () => {
  const store = await open();
  const asset = await store.put(svg('a'));
  expect(asset).toEqual({ id: idOf(svg('a')), type: 'image/svg+xml', bytes: 12 });
  expect(await store.put(svg('a'))).toEqual(asset);
  expect(await readdir(folder)).toEqual([`${asset.id}.svg`]);
  expect((await stat(join(folder, `${asset.id}.svg`))).mode & 0o777).toBe(0o600);
  expect((await store.read(asset.id)).content).toEqual(svg('a'));
});

test('outlives the process; what was not finished is removed, what is foreign is left alone', async () => {
  const asset = await (await open()).put(svg('a'));
  await writeFile(join(folder, 'abc.unfinished'), 'x');
  await writeFile(join(folder, 'notes.txt'), 'x');
  const again = await open();
  expect(again.list()).toEqual([asset]);
  expect(again.bytes).toBe(12);
  expect((await readdir(folder)).sort()).toEqual([`${asset.id}.svg`, 'notes.txt'].sort());
});

test('two that fit one by one do not fit together', async () => {
  const store = await open(20);
  const results = await Promise.allSettled([store.put(svg('a')), store.put(svg('b'))]);
  expect(results.map((r) => (r.status === 'fulfilled' ? 'kept' : r.reason.code))).toEqual(['kept', 'too-large']);
  await store.delete(idOf(svg('a')));
  expect((await store.put(svg('b'))).bytes).toBe(12);
});

test('what is none of the types is refused; what is not there is not found', async () => {
  const store = await open();
  await expect(store.put(Buffer.from('hello'))).rejects.toMatchObject({ code: 'bad-request' });
  await expect(store.read('f'.repeat(64))).rejects.toMatchObject({ code: 'not-found' });
  await expect(store.delete('f'.repeat(64))).rejects.toMatchObject({ code: 'not-found' });
  const { id } = await store.put(svg('a'));
  await rm(join(folder, `${id}.svg`));
  await expect(store.read(id)).rejects.toMatchObject({ code: 'not-found' });
});

test('what another node has is taken over, by whoever asks for it, and kept', async () => {
  const store = await open();
  const asked: string[] = [];
  const elsewhere = [svg('a'), svg('b')];
  store.lookElsewhere(async (id) => {
    asked.push(id);
    return elsewhere.find((content) => idOf(content) === id);
  });
  const [a, b, nowhere] = [idOf(svg('a')), idOf(svg('b')), idOf(svg('c'))];
  await expect(store.read(a, { own: true })).rejects.toMatchObject({ code: 'not-found' });
  expect(asked).toEqual([]);
  expect((await store.read(a)).content).toEqual(svg('a'));
  await store.gather([a, b, nowhere]);
  expect(asked).toEqual([a, b, nowhere]);
  expect([store.get(a)?.bytes, store.get(b)?.bytes, store.get(nowhere)]).toEqual([12, 12, undefined]);
  expect(await readdir(folder)).toHaveLength(2);
});

test('nodes that can not be asked, or a store that is full, make no difference to what is here', async () => {
  const store = await open(20);
  const own = await store.put(svg('a'));
  store.lookElsewhere(async (id) => {
    if (id === idOf(svg('b'))) return svg('b');
    throw new Error('away');
  });
  await store.gather([own.id, idOf(svg('b')), idOf(svg('c'))]);
  expect(store.list()).toEqual([own]);
  await expect(store.read(idOf(svg('b')))).rejects.toMatchObject({ code: 'not-found' });
});

test('every asset that a scene names is checked, by its place', async () => {
  const id = (c: string) => c.repeat(64);
  const scene = Scene.parse({
    logo: { image: id('1') },
    backgroundImage: id('2'),
    slateImage: id('3'),
    music: { sound: id('4') },
    people: { pann00000: { avatar: id('5') } },
  });
  expect(assetsOf(scene).map(({ path }) => path)).toEqual([
    'logo.image',
    'backgroundImage',
    'slateImage',
    'music.sound',
    'people.pann00000.avatar',
  ]);
  const found = (type: 'image/png' | 'audio/ogg') => (asset: string) => ({ id: asset, type, bytes: 1 });
  expect(() => checkAssets(scene, () => undefined)).toThrow(`logo.image: there is no asset ${id('1')}`);
  expect(() => checkAssets(scene, found('image/png'))).toThrow(/music\.sound: .* is image\/png/);
  expect(() => checkAssets(scene, found('audio/ogg'))).toThrow(/logo\.image: .* is audio\/ogg/);
  expect(() => checkAssets(Scene.parse({}), () => undefined)).not.toThrow();
});
