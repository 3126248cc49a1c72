import { randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '../contracts/errors.ts';
import { type ByteRange, checkKey, type PutOptions, type Storage, type StoredObject } from './Storage.ts';

const UNFINISHED = '.unfinished';

/** Objects are files below one folder. A file that is put from the same file system is linked: it takes no second space on the disk. */
export class LocalStorage implements Storage {
  readonly name = 'file';
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** What an earlier process did not finish is removed. */
  static async create(folder: string): Promise<LocalStorage> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) if (name.endsWith(UNFINISHED)) await rm(join(folder, name));
    return new LocalStorage(folder);
  }

  async put(key: string, source: Buffer | { path: string }, _options: PutOptions): Promise<void> {
    const path = this.#path(key);
    const unfinished = join(this.#folder, `${randomUUID()}${UNFINISHED}`);
    try {
      if (Buffer.isBuffer(source)) await writeNew(unfinished, source);
      else await linkOrCopy(source.path, unfinished);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(unfinished, path);
      // rename(2) of a file onto another name of the same file leaves both.
      await rm(unfinished, { force: true });
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const file = await open(this.#path(key)).catch((error: NodeJS.ErrnoException) => {
      throw isAbsent(error) ? new AppError('not-found', 'There is no such object.', { cause: error }) : error;
    });
    const { size } = await file.stat();
    if (range && (range.start > range.end || range.end >= size)) {
      await file.close();
      throw new AppError('bad-request', 'no such range');
    }
    return file.createReadStream({ ...range, highWaterMark: 256 * 1024 });
  }

  async stat(key: string): Promise<StoredObject | null> {
    const found = await stat(this.#path(key)).catch((error: NodeJS.ErrnoException) => {
      if (isAbsent(error)) return null;
      throw error;
    });
    return found?.isFile() ? { key, bytes: found.size } : null;
  }

  async *list(folder: string): AsyncGenerator<StoredObject> {
    const root = this.#path(folder);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    const keys = entries
      .filter((e) => e.isFile())
      .map((e) => join(e.parentPath, e.name).slice(this.#folder.length + 1))
      .toSorted();
    for (const key of keys) {
      const found = await this.stat(key);
      if (found) yield found;
    }
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  async deleteFolder(folder: string): Promise<void> {
    await rm(this.#path(folder), { recursive: true, force: true });
  }

  close(): void {
    // Nothing is held open.
  }

  #path(key: string): string {
    return join(this.#folder, checkKey(key));
  }
}

const isAbsent = (error: NodeJS.ErrnoException): boolean => error.code === 'ENOENT' || error.code === 'ENOTDIR';

async function writeNew(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Another file system, one without links, or too many links to the file.
    if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK', 'ENOSYS'].includes(code)) throw error;
    await copyFile(from, to);
  }
  const file = await open(to, 'r');
  await file.datasync().finally(() => file.close());
}
