import { AppError } from '../../contracts/errors.ts';
import { partsPerSegment } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import { partTargetSeconds, renderMediaPlaylist, renderMultivariant, targetDurationSeconds } from './playlists.ts';

/** `_HLS_msn` and `_HLS_part` as they came. */
export interface BlockingQuery {
  msn?: string | undefined;
  part?: string | undefined;
}

/** No directive is longer; the numbers stay exact. */
const NUMBER = /^\d{1,12}$/;

/** Playlist texts of one broadcast: one rendering a version, whoever asks, however many wait. */
export class PlaylistCache {
  readonly #broadcast: DeliveryBroadcast;
  readonly #rendered = new Map<RenditionId, { version: number; text: Buffer }>();

  constructor(broadcast: DeliveryBroadcast) {
    this.#broadcast = broadcast;
  }

  multivariant(): Buffer {
    const { id, grid, renditions, inits } = this.#broadcast;
    const audio = renditions.find((r) => r.kind === 'audio');
    const audioInit = inits.get('a0');
    if (!this.#broadcast.playable || !audio || !audioInit) throw new AppError('no-broadcast');
    const variants = renditions.flatMap((r) => {
      const init = inits.get(r.id);
      if (r.kind !== 'video' || !init) return [];
      const { width, height, codec } = init.info;
      return [{ id: r.id, width, height, fps: grid.fps, codec, bitrate: r.bitrate, peak: this.#peak(r.id) }];
    });
    const { codec, channels } = audioInit.info;
    const heard = { id: audio.id, codec, channels, bitrate: audio.bitrate, peak: this.#peak(audio.id) };
    return Buffer.from(renderMultivariant({ base: id, variants, audio: heard }));
  }

  media(rendition: RenditionId): Buffer {
    const { store, inits, grid, epoch, renditions } = this.#broadcast;
    const cached = this.#rendered.get(rendition);
    if (cached?.version === store.version) return cached.text;
    const init = inits.get(rendition);
    if (!init || store.head === undefined) throw new AppError('no-broadcast');
    const siblings = renditions.filter((r) => r.id !== rendition).map((r) => `../${r.id}/index.m3u8`);
    const segments = store.listed();
    const ended = store.ended;
    const text = Buffer.from(
      renderMediaPlaylist({ grid, rendition, epoch, initName: init.name, segments, ended, siblings }),
    );
    this.#rendered.set(rendition, { version: store.version, text });
    return text;
  }

  /**
   * The position that the playlist must have reached (RFC 8216bis section 6.2.5.2); null: answer at once. Throws `bad-request` for what
   * is malformed, or further ahead than a player can mean.
   */
  blockingPosition({ msn, part }: BlockingQuery): number | null {
    if (msn === undefined && part === undefined) return null;
    if (msn === undefined) throw new AppError('bad-request', '_HLS_part needs _HLS_msn');
    if (!NUMBER.test(msn) || (part !== undefined && !NUMBER.test(part)))
      throw new AppError('bad-request', '_HLS_msn and _HLS_part are whole numbers');
    const { store, grid } = this.#broadcast;
    const perSegment = partsPerSegment(grid);
    const { position } = store;
    const lastComplete = Math.floor(position / perSegment) - 1;
    if (store.ended) return null;
    if (Number(msn) > lastComplete + 2) throw new AppError('bad-request', '_HLS_msn is too far ahead');
    if (part === undefined) return (Number(msn) + 1) * perSegment - 1;
    // A part beyond the segment's last is the first of the next.
    const wanted = Number(msn) * perSegment + Math.min(Number(part), perSegment);
    // The advance part limit is three seconds' worth; hls.js's tune-in asks for a little more.
    const limit = Math.max(Math.ceil(3 / partTargetSeconds(grid)), 2 * perSegment);
    if (Number(part) > perSegment * 2 || wanted >= position + limit)
      throw new AppError('bad-request', '_HLS_part is too far ahead');
    return wanted;
  }

  /** How long a request may be held: three target durations (RFC 8216bis section 6.2.5.2), ms. */
  get holdLimitMs(): number {
    return targetDurationSeconds(this.#broadcast.grid) * 3000;
  }

  /** Bits a second of the largest segment that is listed. */
  #peak(rendition: RenditionId): number {
    const { store, grid } = this.#broadcast;
    const sizes = store.listed().map(({ number }) => {
      const parts = store.segment(rendition, number) ?? [];
      return parts.reduce((sum, p) => sum + p.length, 0);
    });
    return Math.ceil((Math.max(0, ...sizes) * 8) / (grid.framesPerSegment / grid.fps));
  }
}
