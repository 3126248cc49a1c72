/**
 * Small pictures of each moment, from a WebVTT track that names places in sprite sheets (W3C media fragments, `#xywh=`). In: the track's
 * text. Out: the picture of a time.
 */

export interface Thumbnail {
  /** Seconds of the program that it stands for. */
  start: number;
  end: number;
  /** Of the sheet; absolute, or as the track's own address makes it. */
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUE = /^(?:(\d+):)?(\d{2}):(\d{2}\.\d{3}) --> (?:(\d+):)?(\d{2}):(\d{2}\.\d{3})/;
const PLACE = /^(.+)#xywh=(\d+),(\d+),(\d+),(\d+)$/;

const secondsOf = (hours: string | undefined, minutes: string | undefined, seconds: string | undefined): number =>
  Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds);

/** Cues that have no place in a sheet are passed over. */
export function parseThumbnails(text: string, base: string): Thumbnail[] {
  return text.split(/\r?\n\r?\n/).flatMap((block) => {
    const lines = block.split(/\r?\n/);
    const at = lines.findIndex((line) => CUE.test(line));
    const [, h1, m1, s1, h2, m2, s2] = CUE.exec(lines[at] ?? '') ?? [];
    const [, path, x, y, width, height] = PLACE.exec(lines[at + 1] ?? '') ?? [];
    if (m1 === undefined || path === undefined) return [];
    return {
      start: secondsOf(h1, m1, s1),
      end: secondsOf(h2, m2, s2),
      url: new URL(path, base).href,
      ...{ x: Number(x), y: Number(y), width: Number(width), height: Number(height) },
    };
  });
}

/** The picture of a time; where none is, the one before it, for what has just been and has none yet. */
export function thumbnailAt(all: readonly Thumbnail[], seconds: number): Thumbnail | undefined {
  let best: Thumbnail | undefined;
  for (const thumbnail of all)
    if (thumbnail.start <= seconds && (!best || thumbnail.start > best.start)) best = thumbnail;
  return best && seconds < best.end + (best.end - best.start) ? best : undefined;
}

/** A live track has a new picture as often as this, ms. */
const FRESH_MS = 10_000;

/** Fetches the track of what is played when somebody points at the bar, and again when it has grown old. */
export class ThumbnailTrack {
  #url = '';
  #askedAt = Number.NEGATIVE_INFINITY;
  #known: readonly Thumbnail[] = [];

  /** What is known now; a fetch that is worth it begins. `url` of the track; null: there is none. */
  look(url: string | null, live: boolean): readonly Thumbnail[] {
    if (url !== this.#url) {
      this.#url = url ?? '';
      this.#known = [];
      this.#askedAt = Number.NEGATIVE_INFINITY;
    }
    const now = performance.now();
    const old = now - this.#askedAt > (live ? FRESH_MS : Number.POSITIVE_INFINITY);
    if (url !== null && (old || this.#askedAt === Number.NEGATIVE_INFINITY)) {
      this.#askedAt = now;
      void this.#fetch(url);
    }
    return this.#known;
  }

  async #fetch(url: string): Promise<void> {
    const response = await fetch(url).catch(() => undefined);
    // 404: the broadcast has no time shift. Asked again when it is old, which costs little.
    if (!response?.ok || url !== this.#url) return;
    this.#known = parseThumbnails(await response.text(), new URL(url, location.href).href);
  }
}
