/**
 * The uploaded images of a program. In: ids that a stage asks for; out: the image when it is there, else null, and `arrived` once it
 * is: the stage is then drawn again. Requests for one file are one request.
 *
 * Drop policy: what could not be had is asked for again after a while, for as long as stages ask for it; an image that cannot be
 * decoded never is, and is warned about once. The MAX_IMAGES that were asked for last are kept.
 */
import type { Logger } from '../../src/common/logger.ts';
import { Secret } from '../../src/common/Secret.ts';
import { TypedEmitter } from '../../src/common/TypedEmitter.ts';
import type { Job } from '../../src/contracts/job.ts';
import type { ImageAssets, ImageBox, ProgramImage } from '../compose/images.ts';
import { decodeImage } from './decodeImage.ts';
import { type AssetPlace, fetchAsset } from './fetchAsset.ts';
import { BadImage } from './imageSize.ts';

/** A scene names at most 19: 16 avatars, background, slate and logo. */
const MAX_IMAGES = 32;
/** Between tries, ms; the last one repeats. */
const BACKOFF_MS = [250, 500, 1000, 2000, 5000, 10_000] as const;
/** Nobody has asked for it for so many tries: not needed any more. */
const MAX_TRIES = 30;

export interface AssetCacheEvents {
  /** An image that was not there when it was asked for. */
  arrived: [id: string];
}

interface Entry {
  id: string;
  box: ImageBox;
  /** null: not there yet, or never. */
  image: ProgramImage | null;
  tries: number;
  /** Until the next try. */
  timer: NodeJS.Timeout | null;
  /** Given up until somebody asks again. */
  resting: boolean;
}

export class AssetCache extends TypedEmitter<AssetCacheEvents> implements ImageAssets {
  readonly #logger: Logger;
  readonly #maxImages: number;
  readonly #abort = new AbortController();
  readonly #entries = new Map<string, Entry>();
  readonly #files = new Map<string, Promise<Buffer>>();
  readonly #bad = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #decoding: Promise<void> = Promise.resolve();
  #place: AssetPlace | null = null;

  constructor(job: Pick<Job, 'assetsUrl' | 'token'>, logger: Logger, maxImages = MAX_IMAGES) {
    super();
    this.#maxImages = maxImages;
    this.#logger = logger;
    this.update(job);
  }

  /** A new job may name another place, or another token. */
  update({ assetsUrl, token }: Pick<Job, 'assetsUrl' | 'token'>): void {
    this.#place = assetsUrl === null ? null : { url: assetsUrl, token: new Secret(token) };
  }

  /** At once; an image that is not there is fetched. */
  async image(id: string, box: ImageBox): Promise<ProgramImage | null> {
    if (this.#abort.signal.aborted) return null;
    const key = `${id} ${box.width}x${box.height}`;
    const known = this.#entries.get(key);
    const entry: Entry = known ?? { id, box, image: null, tries: 0, timer: null, resting: false };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (entry.tries > 0) entry.tries = 1;
    if (!known || entry.resting) {
      this.#load(entry);
      this.#trim();
    }
    return entry.image;
  }

  /** Resolves when nothing is fetched or decoded; what waits for its next try is not waited for. For tests. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  close(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    for (const { timer } of this.#entries.values()) clearTimeout(timer ?? undefined);
    this.#entries.clear();
  }

  #load(entry: Entry): void {
    entry.timer = null;
    entry.resting = false;
    const loading = this.#fetchImage(entry).catch((error: unknown) => this.#retry(entry, error));
    this.#running.add(loading);
    void loading.finally(() => this.#running.delete(loading));
  }

  async #fetchImage(entry: Entry): Promise<void> {
    const bytes = await this.file(entry.id);
    // One at a time: each may take 100 MB for a moment.
    const decoded = this.#decoding.then(() => decodeImage(bytes, entry.box));
    this.#decoding = decoded.then(
      () => undefined,
      () => undefined,
    );
    const image = await decoded;
    if (this.#abort.signal.aborted) return;
    entry.image = image;
    this.#logger.debug({ asset: entry.id, width: image.width, height: image.height }, 'image is there');
    this.emit('arrived', entry.id);
  }

  #retry(entry: Entry, error: unknown): void {
    if (this.#abort.signal.aborted) return;
    if (error instanceof BadImage) {
      // It may be an avatar and a logo: one warning.
      if (!this.#bad.has(entry.id)) this.#logger.warn({ asset: entry.id, err: error }, 'an image cannot be shown');
      this.#bad.add(entry.id);
      return;
    }
    if (entry.tries === 0) this.#logger.warn({ asset: entry.id, err: error }, 'an image is not there yet');
    const delayMs = BACKOFF_MS[Math.min(entry.tries, BACKOFF_MS.length - 1)];
    entry.tries += 1;
    if (entry.tries > MAX_TRIES) {
      entry.resting = true;
      return;
    }
    entry.timer = setTimeout(() => this.#load(entry), delayMs);
    entry.timer.unref();
  }

  /** The bytes of an upload, not kept here; rejects where they cannot be had now. One request for all who wait for the same file. */
  file(id: string): Promise<Buffer> {
    const running = this.#files.get(id);
    if (running) return running;
    if (!this.#place) return Promise.reject(new Error('the job names no place of assets'));
    const file = fetchAsset(this.#place, id, this.#abort.signal).finally(() => this.#files.delete(id));
    this.#files.set(id, file);
    return file;
  }

  #trim(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.#maxImages) return;
      clearTimeout(entry.timer ?? undefined);
      this.#entries.delete(key);
    }
  }
}
