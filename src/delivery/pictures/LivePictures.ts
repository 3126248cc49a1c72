/**
 * Poster and thumbnails of a broadcast while it can be watched live. In: the parts that segments begin with, from memory, or from the
 * archive after a crash. Out: JPEGs and their track. One key frame in ten seconds is decoded, off the main thread; the poster only
 * when somebody asks for it.
 *
 * Timestamps. Cues are in program time: seconds since frame 0 of the broadcast, `PROGRAM-DATE-TIME − startedAt`.
 */
import type { Logger } from '../../common/logger.ts';
import { segmentSeconds } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import type { BroadcastArchive } from '../archive/BroadcastArchive.ts';
import type { ScannedArchive } from '../archive/scanArchive.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import { encodeJpeg, fitInto, scaled } from './jpegPicture.ts';
import { KeyFrameDecoder } from './KeyFrameDecoder.ts';
import { SpriteSheet } from './SpriteSheet.ts';
import { POSTER_BOX, renderThumbnailTrack, TILE_BOX, type Tile, tileInterval } from './thumbnailTrack.ts';

/** A poster is made anew when it is older than this, s. */
const POSTER_SECONDS = 10;
/** Pictures that wait to be made. More: this machine has no time for them. */
const MAX_WAITING = 8;

interface Sheet {
  /** Segment numbers of its tiles. */
  tiles: number[];
  jpeg: Buffer;
}

export interface LivePicturesOptions {
  broadcast: DeliveryBroadcast;
  /** 0: there is a poster, but no thumbnails. */
  dvrSeconds: number;
  logger: Logger;
}

export class LivePictures {
  readonly #options: LivePicturesOptions;
  readonly #every: number;
  readonly #best: RenditionId;
  readonly #smallest: RenditionId;
  /** By their number; the newest is still growing. */
  readonly #sheets = new Map<number, Sheet>();
  #growing: SpriteSheet | undefined;
  #newestSheet = -1;
  #poster: { segment: number; jpeg: Promise<Buffer> } | undefined;
  #waiting = 0;
  /** Race: a sheet takes one picture at a time. */
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LivePicturesOptions) {
    this.#options = options;
    const { broadcast, dvrSeconds } = options;
    const videos = broadcast.renditions
      .flatMap((r) => (r.kind === 'video' ? [r] : []))
      .toSorted((a, b) => b.width * b.height - a.width * a.height);
    this.#best = videos[0]?.id ?? '';
    this.#smallest = videos.at(-1)?.id ?? '';
    this.#every = tileInterval(dvrSeconds, segmentSeconds(broadcast.grid));
    if (dvrSeconds === 0) return;
    broadcast.store.on('visible', (segment, part) => {
      if (part !== 0 || segment % this.#every !== 0) return;
      const bytes = broadcast.store.part(this.#smallest, segment, 0);
      if (bytes) this.#enqueue(segment, async () => bytes);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Makes those of segments that an earlier process stored. Call before anything is visible. */
  recover({ archive, scan }: { archive: BroadcastArchive; scan: ScannedArchive }): void {
    if (this.#options.dvrSeconds === 0) return;
    const id = this.#smallest;
    const read = async (number: number): Promise<Buffer | null> =>
      (await archive.segment(id, number)) ?? Buffer.concat(await archive.partialSegment(id, number));
    for (const number of [...scan.whole, ...scan.partial.keys()].toSorted((x, y) => x - y))
      if (number % this.#every === 0) this.#enqueue(number, () => read(number), true);
  }

  /** null: nothing can be seen yet. */
  async poster(): Promise<Buffer | null> {
    const { store, grid } = this.#options.broadcast;
    const { head } = store;
    if (head === undefined || this.#closed) return null;
    // The newest that has begun; a lost one has no picture.
    const segment = [head, head - 1, head - 2].find((k) => store.part(this.#best, k, 0) !== undefined);
    const known = this.#poster;
    const fresh = segment === undefined || (known && segment - known.segment < POSTER_SECONDS / segmentSeconds(grid));
    if (known && fresh) return known.jpeg;
    const bytes = segment === undefined ? undefined : store.part(this.#best, segment, 0);
    if (segment === undefined || !bytes) return null;
    const made = { segment, jpeg: this.#makePoster(bytes) };
    this.#poster = made;
    made.jpeg.catch(() => {
      if (this.#poster === made) this.#poster = known;
    });
    return made.jpeg;
  }

  /** The WebVTT track of the window; null: there is no time shift. */
  track(): string | null {
    const { broadcast, dvrSeconds } = this.#options;
    if (dvrSeconds === 0) return null;
    const seconds = segmentSeconds(broadcast.grid);
    const tiles: Tile[] = [];
    for (const [number, sheet] of this.#sheets) {
      for (const [index, segment] of sheet.tiles.entries()) {
        if (segment + this.#every <= broadcast.store.listedFrom) continue;
        const start = segment * seconds;
        const name = `thumbnails/${number}-${sheet.tiles.length}.jpg`;
        tiles.push({ start, end: start + this.#every * seconds, sheet: name, index });
      }
    }
    return renderThumbnailTrack(tiles, this.#tileSize());
  }

  /** A sheet with at least so many tiles; those have their places for good. */
  sheet(number: number, tiles: number): Buffer | null {
    const sheet = this.#sheets.get(number);
    return sheet && sheet.tiles.length >= tiles ? sheet.jpeg : null;
  }

  /** Idempotent. Resolves when nothing is being made any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
    this.#growing?.close();
    this.#growing = undefined;
  }

  /** Resolves when what was visible so far has its pictures. */
  async flush(): Promise<void> {
    await this.#working;
  }

  #tileSize(): { width: number; height: number } {
    const rendition = this.#options.broadcast.renditions.find((r) => r.id === this.#smallest);
    return rendition?.kind === 'video' ? fitInto(rendition, TILE_BOX) : TILE_BOX;
  }

  async #makePoster(bytes: Buffer): Promise<Buffer> {
    const decoder = new KeyFrameDecoder(this.#options.broadcast.inits.need(this.#best).bytes);
    const picture = await decoder.decode(bytes);
    const small = await scaled(picture, fitInto(decoder.size, POSTER_BOX)).finally(() => picture.free());
    return encodeJpeg(small).finally(() => small.free());
  }

  #enqueue(segment: number, read: () => Promise<Buffer | null>, patient = false): void {
    if (this.#closed || (!patient && this.#waiting >= MAX_WAITING)) return;
    this.#waiting += 1;
    this.#working = this.#working
      .then(async () => {
        const bytes = this.#closed ? null : await read();
        if (bytes) await this.#add(segment, bytes);
      })
      .catch((error: unknown) => this.#options.logger.warn({ err: error, segment }, 'no thumbnail could be made'))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  async #add(segment: number, bytes: Buffer): Promise<void> {
    const { broadcast } = this.#options;
    const decoder = new KeyFrameDecoder(broadcast.inits.need(this.#smallest).bytes);
    const picture = await decoder.decode(bytes);
    if (!this.#growing || this.#growing.full) {
      this.#growing?.close();
      this.#growing = new SpriteSheet(this.#tileSize());
      this.#newestSheet += 1;
      this.#sheets.set(this.#newestSheet, { tiles: [], jpeg: Buffer.alloc(0) });
    }
    await this.#growing.add(picture).finally(() => picture.free());
    const before = this.#sheets.get(this.#newestSheet)?.tiles ?? [];
    this.#sheets.set(this.#newestSheet, { tiles: [...before, segment], jpeg: await this.#growing.jpeg() });
    for (const [number, { tiles }] of this.#sheets)
      if ((tiles.at(-1) ?? 0) + this.#every < broadcast.store.retainedFrom) this.#sheets.delete(number);
  }
}
