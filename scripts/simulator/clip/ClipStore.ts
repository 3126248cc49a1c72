/** Clips that are made once and then kept in the user's cache directory; every peer of a process shares what was read. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { packClip, unpackClip } from './clipFile.ts';
import { CLIPS } from './frameCode.ts';
import { type EncodedClip, makeClip, type VideoCodec } from './makeClip.ts';

/** A clip is what these files make of it: when one changes, the cached clips are not used any more. */
const MAKERS = ['frameCode.ts', 'drawFrame.ts', 'drawSound.ts', 'makeClip.ts', 'clipFile.ts'];

function version(): string {
  const hash = createHash('sha256');
  for (const file of MAKERS) hash.update(readFileSync(join(import.meta.dirname, file)));
  return hash.digest('hex').slice(0, 12);
}

/** `$XDG_CACHE_HOME/lianmai/clips-VERSION` (XDG Base Directory Specification), else below `~/.cache`. */
export function clipFolder(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'lianmai', `clips-${version()}`);
}

export interface ClipStoreOptions {
  folder?: string;
  /** A clip is about to be made, which takes some 10 s of CPU. */
  onMake?: (clip: number, codec: VideoCodec) => void;
}

export class ClipStore {
  readonly #folder: string;
  readonly #onMake: (clip: number, codec: VideoCodec) => void;
  readonly #clips = new Map<string, Promise<EncodedClip>>();
  readonly #closing = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #making = 0;

  constructor({ folder = clipFolder(), onMake = () => {} }: ClipStoreOptions = {}) {
    this.#folder = folder;
    this.#onMake = onMake;
  }

  /** The clip of peer `number`; made when it is not there. Rejects when the store is closed. */
  get(number: number, codec: VideoCodec): Promise<EncodedClip> {
    if (this.#closing.signal.aborted) return Promise.reject(new Error('the clip store is closed'));
    const clip = number % CLIPS;
    const name = `${codec}-${String(clip).padStart(2, '0')}.clip`;
    let found = this.#clips.get(name);
    if (!found) {
      found = this.#load(name, clip, codec);
      this.#clips.set(name, found);
      // What failed is tried again by the next who asks.
      found.catch(() => this.#clips.delete(name));
    }
    return found;
  }

  /** Idempotent; a clip that is being made is given up. */
  close(): void {
    this.#closing.abort(new Error('the clip store is closed'));
  }

  async #load(name: string, clip: number, codec: VideoCodec): Promise<EncodedClip> {
    const path = join(this.#folder, name);
    const cached = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (cached) {
      try {
        return unpackClip(cached);
      } catch (error) {
        throw new Error(`${path}: ${(error as Error).message}; delete it, and it is made anew`, { cause: error });
      }
    }
    await this.#turn();
    try {
      this.#onMake(clip, codec);
      const made = await makeClip(clip, codec, this.#closing.signal);
      await mkdir(this.#folder, { recursive: true });
      // Another process may make the same clip: each writes its own file, and the last rename wins.
      const draft = `${path}.${process.pid}`;
      await writeFile(draft, packClip(made));
      await rename(draft, path).catch(async (error: unknown) => {
        await rm(draft, { force: true });
        throw error;
      });
      return made;
    } finally {
      this.#making--;
      this.#waiting.shift()?.();
    }
  }

  /** One ffmpeg a core at a time. */
  async #turn(): Promise<void> {
    while (this.#making >= availableParallelism()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#making++;
  }
}
