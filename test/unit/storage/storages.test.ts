/** One suite for all storages. */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { LocalStorage } from '../../../src/storage/LocalStorage.ts';
import type { Storage } from '../../../src/storage/Storage.ts';
import { BUCKET, S3Server } from '../../support/s3Server.ts';

const MiB = 1024 * 1024;
const VIDEO = { contentType: 'video/mp4' };
let folder: string;
let s3: S3Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-storage-'));
  s3 = await S3Server.start();
});
afterAll(async () => {
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

/** Bytes that differ at every place. */
const bytesOf = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE(i, i);
  return bytes;
};
const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

describe.each<[string, () => Promise<Storage>]>([
  ['file', () => LocalStorage.create(join(folder, 'objects'))],
  ['s3', async () => s3.storage({ partBytes: 5 * MiB, pageKeys: 4 })],
  ['s3 without a prefix', async () => s3.storage({ prefix: '', partBytes: 5 * MiB, pageKeys: 4 })],
])('%s', (_name, create) => {
  let storage: Storage;
  beforeAll(async () => {
    storage = await create();
  });
  afterAll(() => storage.close());

  test('bytes and files come back as they were put, whole and in ranges', async () => {
    for (const length of [1, 1000, 11 * MiB + 3]) {
      const bytes = bytesOf(length);
      const path = join(folder, 'source');
      await writeFile(path, bytes);
      for (const source of [bytes, { path }]) {
        const key = `get/v720/${length}.m4s`;
        await storage.put(key, source, VIDEO);
        expect((await buffer(await storage.get(key))).equals(bytes)).toBe(true);
        expect(await storage.stat(key)).toEqual({ key, bytes: length });
        for (const [start, end] of [
          // A range of nothing but the first byte is answered with everything by s3rver.
          [0, Math.min(1, length - 1)],
          [0, length - 1],
          [length - 1, length - 1],
          [length >> 1, length - 1],
        ] as const)
          expect((await buffer(await storage.get(key, { start, end }))).equals(bytes.subarray(start, end + 1))).toBe(
            true,
          );
      }
      // It may be thrown away: it is ours now.
      await rm(path);
      expect((await buffer(await storage.get(`get/v720/${length}.m4s`))).equals(bytes)).toBe(true);
    }
  });

  test('an object is replaced by what is put under its key later', async () => {
    await storage.put('replace/a', Buffer.from('one'), VIDEO);
    await storage.put('replace/a', Buffer.from('two!'), VIDEO);
    expect(String(await buffer(await storage.get('replace/a')))).toBe('two!');
  });

  test('what is not there is `not-found`, and a range beyond the end `bad-request`', async () => {
    await expect(storage.get('none/here')).rejects.toMatchObject({ code: 'not-found' });
    expect(await storage.stat('none/here')).toBeNull();
    await storage.put('range/a', Buffer.from('abc'), VIDEO);
    await expect(storage.get('range/a', { start: 3, end: 3 })).rejects.toMatchObject({ code: 'bad-request' });
  });

  test.each(['', '/', '../x', 'a/../b', 'a//b', 'a/', '/etc/passwd', 'a b', 'a\0b', '.hidden', 'x'.repeat(513)])(
    'the key %j is none',
    async (key) => {
      await expect(storage.put(key, Buffer.from('x'), VIDEO)).rejects.toMatchObject({ code: 'not-found' });
      await expect(storage.get(key)).rejects.toMatchObject({ code: 'not-found' });
      await expect(storage.stat(key)).rejects.toMatchObject({ code: 'not-found' });
      await expect(storage.deleteFolder(key)).rejects.toMatchObject({ code: 'not-found' });
    },
  );

  test('a folder is listed and deleted, and nothing beside it', async () => {
    for (const key of ['list/r1/b', 'list/r1/a/2', 'list/r1/a/1', 'list/r12/a', 'list/r2'])
      await storage.put(key, Buffer.from(key), VIDEO);
    expect((await collect(storage.list('list/r1'))).map((o) => o.key)).toEqual([
      'list/r1/a/1',
      'list/r1/a/2',
      'list/r1/b',
    ]);
    expect((await collect(storage.list('list')))[0]).toEqual({ key: 'list/r1/a/1', bytes: 11 });
    expect(await collect(storage.list('list/none'))).toEqual([]);
    await storage.delete('list/r1/b');
    await storage.delete('list/r1/b');
    await storage.deleteFolder('list/r1');
    await storage.deleteFolder('list/r1');
    expect((await collect(storage.list('list'))).map((o) => o.key)).toEqual(['list/r12/a', 'list/r2']);
    await expect(storage.get('list/r1/a/1')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a list of more than a page is whole', async () => {
    const keys = Array.from({ length: 13 }, (_, i) => `many/${String(i).padStart(4, '0')}`);
    for (const key of keys) await storage.put(key, Buffer.from('x'), VIDEO);
    expect((await collect(storage.list('many'))).map((o) => o.key)).toEqual(keys);
    await storage.deleteFolder('many');
    expect(await collect(storage.list('many'))).toEqual([]);
  });
});

describe('file', () => {
  test('a file of the same disk is linked, takes no second space, and leaves nothing beside it', async () => {
    const root = join(folder, 'linked');
    const storage = await LocalStorage.create(root);
    const path = join(folder, 'linked-source');
    await writeFile(path, 'bytes');
    await storage.put('r1/a', { path }, VIDEO);
    await storage.put('r1/a', { path }, VIDEO);
    expect((await stat(path)).nlink).toBe(2);
    expect(await readdir(root)).toEqual(['r1']);
    // From another file system it is copied.
    const elsewhere = await mkdtemp('/dev/shm/lianmai-storage-');
    onTestFinished(() => rm(elsewhere, { recursive: true }));
    await writeFile(join(elsewhere, 'b'), 'copied');
    await storage.put('r1/b', { path: join(elsewhere, 'b') }, VIDEO);
    expect(String(await buffer(await storage.get('r1/b')))).toBe('copied');
  });

  test('what an earlier process did not finish is removed', async () => {
    const root = join(folder, 'unfinished');
    await LocalStorage.create(root);
    await writeFile(join(root, 'x.unfinished'), 'x');
    await LocalStorage.create(root);
    expect(await readdir(root)).toEqual([]);
  });
});

describe('s3', () => {
  test('a request that is refused is tried again', async () => {
    const storage = s3.storage();
    let refused = 0;
    s3.refuse = (line) => line.startsWith('PUT') && line.includes('retried') && ++refused <= 2;
    await storage.put('retried', Buffer.from('x'), VIDEO);
    expect(refused).toBe(3);
    storage.close();
  });

  test('an upload that broke off goes on with its next part in another process', async () => {
    const path = join(folder, 'large');
    const bytes = bytesOf(17 * MiB);
    await writeFile(path, bytes);
    let kept: string | null = null;
    const stop = new AbortController();
    const progress = {
      load: async () => kept,
      save: async (state: string | null) => {
        kept = state;
        if (state !== null && JSON.parse(state).etags.length === 2) stop.abort();
      },
    };
    const before = s3.storage({ partBytes: 5 * MiB });
    await expect(before.put('resumed', { path }, { ...VIDEO, progress, signal: stop.signal })).rejects.toThrow();
    before.close();
    expect(kept).not.toBeNull();
    const from = s3.requests.length;
    const after = s3.storage({ partBytes: 5 * MiB });
    await after.put('resumed', { path }, { ...VIDEO, progress });
    const parts = s3.requests.slice(from).map((line) => /partNumber=(\d+)/.exec(line)?.[1]);
    expect(parts.filter(Boolean)).toEqual(['3', '4']);
    expect(kept).toBeNull();
    expect((await buffer(await after.get('resumed'))).equals(bytes)).toBe(true);
    after.close();
  });

  test('an upload whose file has changed meanwhile begins anew', async () => {
    const path = join(folder, 'changed');
    await writeFile(path, bytesOf(6 * MiB));
    const state = JSON.stringify({ uploadId: 'gone', bytes: 1, partBytes: 5 * MiB, etags: ['"x"'] });
    const storage = s3.storage({ partBytes: 5 * MiB });
    await storage.put(
      'changed',
      { path },
      { ...VIDEO, progress: { load: async () => state, save: async () => undefined } },
    );
    expect(await storage.stat('changed')).toEqual({ key: 'changed', bytes: 6 * MiB });
    storage.close();
  });

  test('its name and its errors have no secret', async () => {
    const storage = s3.storage({ bucket: 'no-such-bucket' });
    expect(storage.name).toBe('s3://no-such-bucket/some/prefix');
    const error = await storage.put('a', Buffer.from('x'), VIDEO).catch((e: unknown) => e);
    expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toContain('S3RVER');
    expect(BUCKET).not.toBe('no-such-bucket');
    storage.close();
  });
});
