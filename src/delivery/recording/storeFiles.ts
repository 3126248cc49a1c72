/**
 * Puts a recording's files into the storage. In: files of a folder, and what is there already (RecordingStore.ts). Out: objects
 * `RECORDING/NAME`. Whatever fails is tried again by the caller, and goes on where it was.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordingId } from '../../contracts/ids.ts';
import type { Storage } from '../../storage/Storage.ts';
import type { RecordingStore } from './RecordingStore.ts';

/** Small files at the same time: what waits is mostly the network. */
const PARALLEL_PUTS = 6;
/** Files that are noted as stored in one transaction: each is a flush of the disk. */
const NOTED_AT_ONCE = 50;

const TYPES: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  jpg: 'image/jpeg',
  vtt: 'text/vtt; charset=utf-8',
};

export function contentTypeOf(name: string): string {
  const extension = name.slice(name.lastIndexOf('.') + 1);
  return TYPES[extension] ?? (name.startsWith('a') ? 'audio/mp4' : 'video/mp4');
}

export const objectKey = (id: RecordingId, name: string): string => `${id}/${name}`;

export interface StoreFilesOptions {
  id: RecordingId;
  folder: string;
  names: readonly string[];
  storage: Storage;
  store: RecordingStore;
  signal: AbortSignal;
}

/** Bytes of all the files together. */
export async function storeFiles({ id, folder, names, storage, store, signal }: StoreFilesOptions): Promise<number> {
  const sizes: { name: string; bytes: number }[] = [];
  for (const name of names) sizes.push({ name, bytes: (await stat(join(folder, name))).size });
  await store.addFiles(id, sizes);
  const missing = new Set(await store.waitingFiles(id));
  const waiting = names.filter((name) => missing.has(name));
  const done: string[] = [];
  const note = async (): Promise<void> => store.markStored(id, done.splice(0));
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      signal.throwIfAborted();
      const file = name;
      await storage.put(
        objectKey(id, file),
        { path: join(folder, file) },
        {
          contentType: contentTypeOf(file),
          progress: { load: () => store.upload(id, file), save: (state) => store.saveUpload(id, file, state) },
          signal,
        },
      );
      done.push(file);
      if (done.length >= NOTED_AT_ONCE) await note();
    }
  };
  const results = await Promise.allSettled(Array.from({ length: PARALLEL_PUTS }, worker));
  await note();
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return sizes.reduce((sum, { bytes }) => sum + bytes, 0);
}
