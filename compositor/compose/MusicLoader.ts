/**
 * Fetches and decodes the scene's music, beside the program. In: what each job's scene says; out: the music as the mixer takes
 * it, as soon as it is there; next: compose/Mixer.ts. One piece is kept, and the next one while it is loaded.
 *
 * Drop policy. A file that cannot be had is asked for again, for as long as it is wanted; one that is no sound or too long
 * (decode/decodeSound.ts) is left out. One warning for each.
 */
import type { Logger } from '../../src/common/logger.ts';
import type { AssetId, Music as SceneMusic } from '../../src/contracts/scene.ts';
import { decodeSound } from '../decode/decodeSound.ts';
import { MusicBed } from './MusicBed.ts';
import type { Music } from './MusicChannel.ts';

/** The bytes of an uploaded sound; null, or a rejection, where they cannot be had now. */
export type FetchSound = (id: AssetId) => Promise<Buffer | null>;

/** Between tries, ms; the last one repeats. */
const BACKOFF_MS = [250, 1000, 5000, 10_000] as const;

export interface MusicLoaderOptions {
  sound: FetchSound;
  logger: Logger;
  output: (music: Music | null) => void;
}

interface Loading {
  id: AssetId;
  abort: AbortController;
  tries: number;
  timer: NodeJS.Timeout | null;
  /** The try that runs. */
  running: Promise<void>;
}

export class MusicLoader {
  readonly #options: MusicLoaderOptions;
  #wanted: SceneMusic | null = null;
  /** What is wanted and not there: being loaded, waiting for the next try, or given up. */
  #loading: Loading | null = null;
  #ready: { id: AssetId; bed: MusicBed } | null = null;
  #closed = false;

  constructor(options: MusicLoaderOptions) {
    this.#options = options;
  }

  /** A job with this music holds from now on; the output follows at once, or when the piece is there. */
  set(music: SceneMusic | null): void {
    if (this.#closed) return;
    this.#wanted = music;
    if (!music || this.#ready?.id === music.sound) this.#cancel();
    else if (this.#loading?.id !== music.sound) this.#load(music.sound);
    if (!music) this.#ready = null;
    this.#put();
  }

  /** Resolves when no try is running. For tests. */
  async settled(): Promise<void> {
    await this.#loading?.running;
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#ready = null;
  }

  #cancel(): void {
    this.#loading?.abort.abort();
    clearTimeout(this.#loading?.timer ?? undefined);
    this.#loading = null;
  }

  #load(id: AssetId): void {
    this.#cancel();
    const loading: Loading = { id, abort: new AbortController(), tries: 0, timer: null, running: Promise.resolve() };
    this.#loading = loading;
    loading.running = this.#try(loading);
  }

  /** Never rejects. */
  async #try(loading: Loading): Promise<void> {
    const { id, abort } = loading;
    const { sound, logger } = this.#options;
    const file = await sound(id).catch((error: unknown) => {
      if (loading.tries === 0 && !abort.signal.aborted)
        logger.warn({ sound: id, err: error }, 'music is not there yet');
      return null;
    });
    if (abort.signal.aborted) return;
    if (!file) {
      const delayMs = BACKOFF_MS[Math.min(loading.tries, BACKOFF_MS.length - 1)];
      loading.tries += 1;
      loading.timer = setTimeout(() => {
        loading.running = this.#try(loading);
      }, delayMs);
      loading.timer.unref();
      return;
    }
    try {
      const bed = new MusicBed(await decodeSound(file, abort.signal));
      if (abort.signal.aborted) return;
      this.#ready = { id, bed };
      this.#loading = null;
      this.#put();
    } catch (error) {
      if (!abort.signal.aborted) logger.warn({ sound: id, err: error }, 'music left out');
    }
  }

  #put(): void {
    const music = this.#wanted;
    const bed = this.#ready && this.#ready.id === music?.sound ? this.#ready.bed : null;
    this.#options.output(music && bed ? { bed, volumeDb: music.volumeDb, duckDb: music.duckDb } : null);
  }
}
