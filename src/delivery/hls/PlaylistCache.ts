/**
 * Playlist texts of one broadcast: one rendering a version, whole and as a delta update, whoever asks, however many wait. In: the
 * store and its versions. Out: texts, as buffers that stay the same object as long as the text is the same. Next: playbackRoutes.ts.
 */
import { AppError } from '../../contracts/errors.ts';
import { partsPerSegment, segmentDurationSeconds } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import type { Directives } from './directives.ts';
import { captionsPath, type Rates, renderMultivariant } from './multivariant.ts';
import {
  type ListedSegment,
  type MediaPlaylist,
  partTargetSeconds,
  renderMediaPlaylist,
  renderSegment,
  skippableSegments,
  targetDurationSeconds,
} from './playlists.ts';
import { RateMeter } from './RateMeter.ts';

/** A request is held for three target durations at most, then it is 503 (RFC 8216bis section 6.2.5.2). */
const HOLD_TARGET_DURATIONS = 3;
/** `_HLS_msn` may be this many segments ahead of the last whole one (RFC 8216bis section 6.2.5.2). */
const MAX_SEGMENTS_AHEAD = 2;

/** In place of a rendition. */
export const CAPTIONS = 'captions';

interface Rendering {
  version: number;
  whole?: Buffer;
  delta?: Buffer;
}

export class PlaylistCache {
  readonly #broadcast: DeliveryBroadcast;
  readonly #rates = new RateMeter();
  #multivariant: Buffer | undefined;
  /** By rendition; the captions of all languages have the same text. */
  readonly #rendered = new Map<RenditionId | typeof CAPTIONS, Rendering>();
  /** Segments without parts, which read the same from then on; with hours of time shift they are nearly all of a playlist. */
  readonly #settled = new Map<string, Map<number, { state: ListedSegment['state']; text: string }>>();

  constructor(broadcast: DeliveryBroadcast) {
    this.#broadcast = broadcast;
    const parts = partsPerSegment(broadcast.grid);
    broadcast.store.on('visible', (segment, part, slate) => {
      if (part === parts - 1 && !slate) this.#measure(segment);
    });
  }

  multivariant(): Buffer {
    const { id, grid, renditions, inits, captions } = this.#broadcast;
    const audio = renditions.find((r) => r.kind === 'audio');
    const audioInit = inits.get('a0');
    if (!this.#broadcast.playable || !audio || !audioInit) throw new AppError('no-broadcast');
    const rates = (r: { id: RenditionId; bitrate: number }): Rates => ({ asked: r.bitrate, ...this.#rates.of(r.id) });
    const variants = renditions.flatMap((r) => {
      const init = inits.get(r.id);
      if (r.kind !== 'video' || !init) return [];
      const { width, height, codec } = init.info;
      return [{ id: r.id, width, height, fps: grid.fps, codec, rates: rates(r) }];
    });
    const { codec, channels } = audioInit.info;
    const heard = { id: audio.id, codec, channels, rates: rates(audio) };
    const text = Buffer.from(renderMultivariant({ base: id, variants, audio: heard, captions: captions.tracks }));
    if (!this.#multivariant?.equals(text)) this.#multivariant = text;
    return this.#multivariant;
  }

  /**
   * The playlist as it is now; a delta update when one was asked for and can be merged: a player that still waits for a segment which
   * would be left out has too old a playlist of its own, and would have to ask again (RFC 8216bis section 6.3.7). It gets all.
   */
  media(rendition: RenditionId | typeof CAPTIONS, directives?: Directives): Buffer {
    const { store } = this.#broadcast;
    const playlist = this.#playlist(rendition);
    let rendering = this.#rendered.get(rendition);
    if (rendering?.version !== store.version) {
      rendering = { version: store.version };
      this.#rendered.set(rendition, rendering);
    }
    const skipped = directives?.skip ? this.#skipped(playlist, directives.msn) : 0;
    if (skipped > 0) {
      rendering.delta ??= this.#render({ ...playlist, skipped });
      return rendering.delta;
    }
    rendering.whole ??= this.#render(playlist);
    return rendering.whole;
  }

  /**
   * The position that the playlist must have reached (RFC 8216bis section 6.2.5.2); null: answer at once. Throws `bad-request` for what
   * is further ahead than a player can mean.
   */
  blockingPosition({ msn, part }: Directives): number | null {
    const { store, grid } = this.#broadcast;
    if (msn === null || store.ended) return null;
    const perSegment = partsPerSegment(grid);
    const { position } = store;
    const lastWhole = Math.floor(position / perSegment) - 1;
    if (msn > lastWhole + MAX_SEGMENTS_AHEAD) throw new AppError('bad-request', '_HLS_msn is too far ahead');
    if (part === null) return (msn + 1) * perSegment - 1;
    // The advance part limit is three seconds' worth of parts, or three parts that are longer.
    const limit = 3 / Math.min(1, partTargetSeconds(grid));
    const last = position - 1;
    if (msn * perSegment + part - last > limit) throw new AppError('bad-request', '_HLS_part is too far ahead');
    // A part beyond the segment's last is the first of the next.
    return msn * perSegment + Math.min(part, perSegment);
  }

  /** How long a request may be held, ms. */
  get holdLimitMs(): number {
    return targetDurationSeconds(this.#broadcast.grid) * HOLD_TARGET_DURATIONS * 1000;
  }

  #playlist(rendition: RenditionId | typeof CAPTIONS): MediaPlaylist {
    const { store, inits, grid, epoch, renditions, captions } = this.#broadcast;
    if (store.head === undefined) throw new AppError('no-broadcast');
    const shared = { grid, rendition, epoch, segments: store.listed(), ended: store.ended };
    if (rendition === CAPTIONS) return { ...shared, initName: '', siblings: [], captions: true };
    const init = inits.get(rendition);
    if (!init) throw new AppError('no-broadcast');
    const siblings = renditions.filter((r) => r.id !== rendition).map((r) => `../${r.id}/index.m3u8`);
    const captionSiblings = captions.tracks.map(({ language }) => `../${captionsPath(language)}/index.m3u8`);
    return { ...shared, initName: init.name, siblings, captionSiblings };
  }

  #skipped(playlist: MediaPlaylist, msn: number | null): number {
    if (playlist.ended) return 0;
    const skipped = skippableSegments(playlist);
    const firstKept = playlist.segments[skipped]?.number ?? 0;
    return msn !== null && msn < firstKept ? 0 : skipped;
  }

  #render(playlist: MediaPlaylist): Buffer {
    const { rendition, segments } = playlist;
    const settled = this.#settled.get(rendition) ?? new Map<number, { state: ListedSegment['state']; text: string }>();
    this.#settled.set(rendition, settled);
    const oldest = segments[0]?.number ?? 0;
    for (const number of settled.keys()) {
      if (number >= oldest) break;
      settled.delete(number);
    }
    const text = renderMediaPlaylist(playlist, (segment, withParts) => {
      if (withParts) return renderSegment(playlist, segment, true);
      const there = settled.get(segment.number);
      if (there?.state === segment.state) return there.text;
      const made = renderSegment(playlist, segment, false);
      settled.set(segment.number, { state: segment.state, text: made });
      return made;
    });
    return Buffer.from(text);
  }

  #measure(segment: number): void {
    const { store, grid, renditions } = this.#broadcast;
    for (const { id } of renditions) {
      const bytes = store.segment(id, segment)?.reduce((sum, part) => sum + part.length, 0);
      if (bytes !== undefined) this.#rates.add(id, bytes, segmentDurationSeconds(grid, id, segment));
    }
  }
}
