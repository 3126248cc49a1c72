/**
 * Images and sounds of scenes, content-addressed: a file's name is the SHA-256 of its bytes and its type. In: bytes from the HTTP API.
 * Out: the same bytes, to people and to compositors (next: assetRoutes.ts). Nothing is decoded here.
 */
import { randomUUID, webcrypto } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../common/logger.ts';
import { type Asset, AssetType, MAX_ASSET_BYTES } from '../contracts/assets.ts';
import { AppError } from '../contracts/errors.ts';
import { AssetId } from '../contracts/scene.ts';
import { sniffAsset } from './sniffAsset.ts';

export interface AssetStoreOptions {
  folder: string;
  /** Of all assets together. */
  maxBytes: number;
  logger: Logger;
}

const EXTENSIONS: Record<AssetType, string> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'image/svg+xml': 'svg',
  'audio/mpeg': 'mp3',
  'audio/aac': 'aac',
  'audio/ogg': 'ogg',
  'audio/flac': 'flac',
  'audio/wav': 'wav',
  'audio/mp4': 'm4a',
};
const UNFINISHED = '.unfinished';

export class AssetStore {
  readonly maxBytes: number;
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #assets = new Map<AssetId, Asset>();
  /** With what is just being written: two that fit one by one may not fit together. */
  #bytes = 0;
  /** Asks the other nodes; undefined: none has it. */
  #elsewhere: ((id: string) => Promise<Buffer | undefined>) | undefined;
  /** Race: the same bytes sent twice, or deleted while they are written; one change at a time. */
  #working: Promise<unknown> = Promise.resolve();

  private constructor({ folder, maxBytes, logger }: AssetStoreOptions) {
    this.#folder = folder;
    this.maxBytes = maxBytes;
    this.#logger = logger;
  }

  /** Finds what is in the folder; what an earlier process did not finish is removed. */
  static async create(options: AssetStoreOptions): Promise<AssetStore> {
    const store = new AssetStore(options);
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const types = new Map(AssetType.options.map((type) => [EXTENSIONS[type], type]));
    for (const file of await readdir(options.folder)) {
      const path = join(options.folder, file);
      if (file.endsWith(UNFINISHED)) await rm(path, { force: true });
      const [id, extension = ''] = file.split('.');
      const type = types.get(extension);
      const { size } = await stat(path).catch(() => ({ size: 0 }));
      if (AssetId.safeParse(id).success && type && size > 0) store.#add({ id: id as AssetId, type, bytes: size });
    }
    return store;
  }

  /** In the order in which they came, those of earlier processes first. */
  list(): Asset[] {
    return [...this.#assets.values()];
  }

  get(id: string): Asset | undefined {
    return this.#assets.get(id);
  }

  get bytes(): number {
    return this.#bytes;
  }

  #add(asset: Asset): void {
    this.#assets.set(asset.id, asset);
    this.#bytes += asset.bytes;
  }

  #pathOf({ id, type }: Asset): string {
    return join(this.#folder, `${id}.${EXTENSIONS[type]}`);
  }

  /** Keeps the bytes; what is there already is answered again. Throws AppError `bad-request` (no type that is taken), `too-large`. */
  async put(bytes: Uint8Array): Promise<Asset> {
    const type = sniffAsset(bytes);
    if (!type)
      throw new AppError('bad-request', 'This is neither PNG, JPEG, WebP, SVG, nor MP3, AAC, Ogg, FLAC, WAV, M4A.');
    if (bytes.length > MAX_ASSET_BYTES) throw new AppError('too-large');
    // On a thread of the pool: 16 MB take longer than a frame.
    const digest = await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
    const id = Buffer.from(digest).toString('hex');
    return this.#queue(async () => {
      const known = this.#assets.get(id);
      if (known) return known;
      if (this.#bytes + bytes.length > this.maxBytes)
        throw new AppError('too-large', 'The store of images and sounds is full. Delete some first.');
      const asset = { id, type, bytes: bytes.length };
      await this.#write(asset, bytes);
      this.#add(asset);
      this.#logger.info({ asset: id, type, bytes: bytes.length }, 'asset added');
      return asset;
    });
  }

  /** Whole or not at all, whatever happens meanwhile. */
  async #write(asset: Asset, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(asset);
    const unfinished = join(this.#folder, `${randomUUID()}${UNFINISHED}`);
    try {
      const file = await open(unfinished, 'wx', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  /** What is not here is asked of other nodes from now on. */
  lookElsewhere(find: (id: string) => Promise<Buffer | undefined>): void {
    this.#elsewhere = find;
  }

  /** Takes over from other nodes what they have of these, so that `get` knows it. Does not fail: what is nowhere is not there. */
  async gather(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => this.#elsewhere && !this.#assets.has(id));
    await Promise.all(missing.map((id) => this.#fetch(id)));
  }

  /** False: nobody has it, or it does not fit. */
  async #fetch(id: string): Promise<boolean> {
    try {
      const bytes = await this.#elsewhere?.(id);
      if (!bytes) return false;
      // Under the name that its bytes give it.
      return (await this.put(bytes)).id === id;
    } catch (error) {
      this.#logger.warn({ err: error, asset: id }, 'an asset of another node can not be kept');
      return false;
    }
  }

  /** Throws AppError `not-found`. `own`: other nodes are not asked. */
  async read(id: string, { own = false }: { own?: boolean } = {}): Promise<{ asset: Asset; content: Buffer }> {
    if (!own && !this.#assets.has(id)) await this.#fetch(id);
    const asset = this.#assets.get(id);
    if (!asset) throw new AppError('not-found', 'There is no asset of this id.');
    try {
      return { asset, content: await readFile(this.#pathOf(asset)) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new AppError('not-found', 'The file of this asset is gone.', { cause: error });
    }
  }

  /** Throws AppError `not-found`. */
  delete(id: string): Promise<void> {
    return this.#queue(async () => {
      const asset = this.#assets.get(id);
      if (!asset) throw new AppError('not-found', 'There is no asset of this id.');
      await rm(this.#pathOf(asset), { force: true });
      this.#assets.delete(id);
      this.#bytes -= asset.bytes;
      this.#logger.info({ asset: id }, 'asset deleted');
    });
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#working.then(work);
    this.#working = done.catch(() => {});
    return done;
  }
}
