/**
 * Follows a live HLS program as a player does, playlist by playlist, and keeps every segment: one growing file for each
 * rendition, init segment first, that `readProgram()` takes. It also keeps what a test asks of playlists.
 */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface RecordedTrack {
  /** `a0`, `v720`: the playlist's folder. */
  name: string;
  url: string;
  file: string;
  /** Different init segments that were named. */
  inits: Set<string>;
  /** URIs of the segments in the file, in order. */
  segments: string[];
  /** Each EXT-X-MEDIA-SEQUENCE that was seen. */
  sequences: number[];
  /** Segments marked EXT-X-GAP. */
  gaps: string[];
  discontinuities: number;
  /** Segments that fell out of the window before they were fetched. */
  missed: number;
  ended: boolean;
}

export interface HlsRecorderOptions {
  /** The multivariant playlist. */
  url: string;
  /** A folder for the files. */
  folder: string;
  signal?: AbortSignal;
  /** Asks again what was not answered, as players do; what falls out of the window meanwhile is `missed`. */
  patient?: boolean;
}

/** Between two looks at a playlist without blocking reload, ms: half of the shortest segment in use. */
const POLL_MS = 500;
/** Somebody who is patient asks so often, with that pause. */
const PATIENT_TRIES = 10;
/** A program that has just gone live has its playlist when the first parts are there, ms. */
const APPEAR_MS = 20_000;

interface MediaPlaylist {
  sequence: number;
  init: string | null;
  segments: { uri: string; gap: boolean }[];
  discontinuities: number;
  ended: boolean;
  blocking: boolean;
}

/** The tags that matter here (RFC 8216 section 4.3; EXT-X-GAP and EXT-X-SERVER-CONTROL of its second edition). */
export function parseMediaPlaylist(text: string): MediaPlaylist {
  const playlist: MediaPlaylist = {
    ...{ sequence: 0, init: null, segments: [], discontinuities: 0, ended: false, blocking: false },
  };
  let gap = false;
  for (const line of text.split(/\r?\n/)) {
    const value = line.slice(line.indexOf(':') + 1);
    if (line.startsWith('#EXT-X-MEDIA-SEQUENCE:')) playlist.sequence = Number(value);
    else if (line.startsWith('#EXT-X-MAP:')) playlist.init = /URI="([^"]+)"/.exec(value)?.[1] ?? null;
    else if (line === '#EXT-X-GAP') gap = true;
    else if (line === '#EXT-X-DISCONTINUITY') playlist.discontinuities++;
    else if (line === '#EXT-X-ENDLIST') playlist.ended = true;
    else if (line.startsWith('#EXT-X-SERVER-CONTROL:')) playlist.blocking = /CAN-BLOCK-RELOAD=YES/.test(value);
    else if (line !== '' && !line.startsWith('#')) {
      playlist.segments.push({ uri: line.trim(), gap });
      gap = false;
    }
  }
  return playlist;
}

/** The media playlists that a multivariant playlist names, audio renditions and variants. */
export function mediaPlaylistsOf(text: string, base: string): string[] {
  const lines = text.split(/\r?\n/);
  const isHeard = (line: string) => line.startsWith('#EXT-X-MEDIA:') && !line.includes('TYPE=SUBTITLES');
  const media = lines.flatMap((line) => (isHeard(line) ? [/URI="([^"]+)"/.exec(line)?.[1]] : []));
  const variants = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return [...new Set([...media, ...variants].filter((uri) => uri !== undefined))].map((uri) => new URL(uri, base).href);
}

/** Asks until the playlist is there. */
async function multivariant(url: string, signal?: AbortSignal): Promise<{ text: string; base: string }> {
  for (const until = performance.now() + APPEAR_MS; ; ) {
    signal?.throwIfAborted();
    const response = await fetch(url);
    const text = await response.text();
    if (response.ok) return { text, base: response.url };
    if (response.status !== 404 || performance.now() > until)
      throw new Error(`${url}: ${response.status} ${text.slice(0, 200)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export class HlsRecorder {
  readonly tracks: RecordedTrack[];
  readonly #stop = new AbortController();
  readonly #following: Promise<void>[];
  readonly #listeners = new Set<() => void>();
  readonly #tries: number;
  #failure: Error | null = null;

  private constructor(tracks: RecordedTrack[], tries: number, signal?: AbortSignal) {
    this.tracks = tracks;
    this.#tries = tries;
    signal?.addEventListener('abort', () => this.#stop.abort(), { once: true });
    this.#following = tracks.map((track) => this.#follow(track));
    for (const following of this.#following) {
      following.catch((error: Error) => {
        this.#failure ??= error;
        this.#tell();
      });
    }
  }

  /** Reads the multivariant playlist and begins. Rejects when there is none. */
  static async start({ url, folder, signal, patient = false }: HlsRecorderOptions): Promise<HlsRecorder> {
    await mkdir(folder, { recursive: true });
    const { text, base } = await multivariant(url, signal);
    const playlists = mediaPlaylistsOf(text, base);
    if (playlists.length === 0) throw new Error(`${url} names no media playlist`);
    const tracks = playlists.map((playlist): RecordedTrack => {
      const name = new URL(playlist).pathname.split('/').at(-2) ?? 'media';
      return {
        ...{ name, url: playlist, file: join(folder, `${name}.mp4`), missed: 0, discontinuities: 0, ended: false },
        ...{ inits: new Set<string>(), segments: [], sequences: [], gaps: [] },
      };
    });
    return new HlsRecorder(tracks, patient ? PATIENT_TRIES : 1, signal);
  }

  /** Resolves when every track has `count` segments, or has ended. */
  async segments(count: number): Promise<void> {
    const enough = () => this.tracks.every((track) => track.ended || track.segments.length >= count);
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (enough()) resolve();
        else if (this.#failure) reject(this.#failure);
        else if (this.#stop.signal.aborted) reject(new Error('the recorder was stopped'));
        else return;
        this.#listeners.delete(look);
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Resolves when all playlists have ended (EXT-X-ENDLIST), or the recorder was stopped. Rejects when a track failed. */
  async finished(): Promise<void> {
    await Promise.all(this.#following);
  }

  /** Takes what is there and ends. Idempotent. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#tell();
    await Promise.allSettled(this.#following);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #follow(track: RecordedTrack): Promise<void> {
    let next: number | null = null;
    let query = '';
    while (!track.ended && !this.#stop.signal.aborted) {
      const playlist = await this.#playlist(track, query);
      if (!playlist) continue;
      track.sequences.push(playlist.sequence);
      track.discontinuities = Math.max(track.discontinuities, playlist.discontinuities);
      if (playlist.init) await this.#init(track, new URL(playlist.init, track.url).href);
      next ??= playlist.sequence;
      if (playlist.sequence > next) {
        track.missed += playlist.sequence - next;
        next = playlist.sequence;
      }
      for (const segment of playlist.segments.slice(next - playlist.sequence)) {
        next++;
        if (segment.gap) track.gaps.push(segment.uri);
        else await this.#append(track, new URL(segment.uri, track.url).href);
        this.#tell();
      }
      track.ended = playlist.ended;
      // Blocking reload: the answer comes when the next segment is complete.
      query = playlist.blocking ? `?_HLS_msn=${next}` : '';
      if (!playlist.blocking && !track.ended) await this.#pause(POLL_MS);
    }
    this.#tell();
  }

  async #playlist(track: RecordedTrack, query: string): Promise<MediaPlaylist | null> {
    const response = await this.#ask(track.url + query, this.#stop.signal).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return null;
      throw error;
    });
    if (!response) return null;
    if (response.ok) return parseMediaPlaylist(await response.text());
    // 503: the segment that was waited for did not come in time. The plain playlist says what there is.
    await response.body?.cancel();
    if (response.status !== 503) throw new Error(`${track.url}${query}: ${response.status}`);
    await this.#pause(POLL_MS);
    return null;
  }

  async #init(track: RecordedTrack, url: string): Promise<void> {
    if (track.inits.has(url)) return;
    track.inits.add(url);
    // What an earlier recording left there is not gone on with.
    if (track.inits.size === 1) await writeFile(track.file, await this.#fetch(url));
  }

  async #append(track: RecordedTrack, url: string): Promise<void> {
    await appendFile(track.file, await this.#fetch(url));
    track.segments.push(url);
  }

  async #fetch(url: string): Promise<Buffer> {
    const response = await this.#ask(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  }

  /** The first answer that is not the one of a gateway whose node is going. Rejects after the last try. */
  async #ask(url: string, signal: AbortSignal | null = null): Promise<Response> {
    for (let left = this.#tries - 1; ; left--) {
      const response = await fetch(url, { signal }).catch((error: unknown) => {
        if (left <= 0 || signal?.aborted) throw error;
        return null;
      });
      if (response && (response.status !== 502 || left <= 0)) return response;
      await response?.body?.cancel();
      await this.#pause(POLL_MS);
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }
}
