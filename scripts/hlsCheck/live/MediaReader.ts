/** Fetches all that one rendition's playlists list, in order, and holds it against them. In: versions of the playlist. */
import { type Fragment, readFragment, readTrack, type Track } from '../media/fragments.ts';
import { Rates } from '../media/Rates.ts';
import { Timeline } from '../media/Timeline.ts';
import { type MediaPlaylist, type Part, type Segment, wholeSegments } from '../parse/playlist.ts';
import type { Report } from '../rules/Findings.ts';
import { askMedia, type Context } from './Context.ts';
import type { Answer } from './HttpClient.ts';

/** Of a long playlist only this many segments are read at the beginning. */
const BACKLOG = 30;

/** What is known of a segment that is being read. */
interface Reading {
  /** Bytes of its parts so far; null: one was lost. */
  parts: (Buffer | null)[];
  seconds: number;
}

export class MediaReader {
  readonly rates = new Rates();
  readonly #context: Context;
  readonly #url: string;
  readonly #report: Report;
  readonly #timeline: Timeline;
  readonly #readings = new Map<number, Reading>();
  readonly #hinted = new Map<string, Promise<Answer | null>>();
  /** The segment that is read next. */
  #next: number | null = null;
  #track: Track | null = null;
  #fps: number | null = null;
  /** Serialises reading: a version may come while the last one's media are on their way. */
  #work: Promise<void> = Promise.resolve();
  #kept = 0;

  constructor(context: Context, url: string, report: Report) {
    this.#context = context;
    this.#url = url;
    this.#report = report;
    this.#timeline = new Timeline(report, context.offset);
  }

  get track(): Track | null {
    return this.#track;
  }

  /** Frames a second, from the samples; null for audio. */
  get fps(): number | null {
    return this.#fps;
  }

  /** A request for the hinted part is under way. */
  hint(uri: string, answer: Promise<Answer | null>): void {
    this.#hinted.set(uri, answer);
  }

  /** Reads what is new in this version; the promise is of all that was taken so far. */
  take(playlist: MediaPlaylist): Promise<void> {
    this.#work = this.#work.then(() => this.#read(playlist));
    return this.#work;
  }

  async #read(playlist: MediaPlaylist): Promise<void> {
    this.#kept = wholeSegments(playlist).reduce((sum, { duration }) => sum + duration, 0);
    this.#next ??= playlist.ended ? playlist.sequence : (playlist.segments.at(-BACKLOG)?.msn ?? playlist.sequence);
    for (const segment of playlist.segments) {
      if (segment.msn < this.#next) continue;
      if (segment.msn > this.#next || segment.discontinuity) this.#timeline.forget();
      this.#next = segment.msn;
      await this.#readInit(segment);
      if (!this.#track) return;
      await this.#readParts(segment, this.#track);
      if (segment.uri === null) return;
      await this.#readSegment(segment, this.#track);
      this.#readings.delete(segment.msn);
      this.#next = segment.msn + 1;
    }
  }

  async #readInit({ map, line }: Segment): Promise<void> {
    if (map === null || this.#track?.uri === map) return;
    const url = new URL(map, this.#url).href;
    const answer = await this.#fetch(url);
    if (!answer) {
      this.#report('media-there', `${map} is not there`, line);
      return;
    }
    const again = await this.#fetch(url);
    if (!again?.body.equals(answer.body)) this.#report('init-stable', map, line);
    try {
      this.#track = readTrack(map, answer.body);
    } catch (error) {
      this.#report('media-form', `${map}: ${(error as Error).message}`, line);
    }
  }

  #fetch(url: string): Promise<Answer | null> {
    return askMedia(this.#context, url, this.#report, this.#kept);
  }

  async #readParts(segment: Segment, track: Track): Promise<void> {
    if (segment.parts.length === 0) return;
    const reading = this.#readings.get(segment.msn) ?? { parts: [], seconds: 0 };
    this.#readings.set(segment.msn, reading);
    for (const part of segment.parts.slice(reading.parts.length)) {
      reading.seconds += part.duration;
      reading.parts.push(await this.#readPart(part, track));
    }
  }

  async #readPart(part: Part, track: Track): Promise<Buffer | null> {
    const hinted = this.#hinted.get(part.uri);
    this.#hinted.delete(part.uri);
    if (part.gap) {
      this.#timeline.skip(part.duration, track);
      return null;
    }
    const early = await hinted;
    if (hinted && !early) this.#report('hint-held', `${part.uri} was hinted at, came, and was refused`, part.line);
    const answer = early ?? (await this.#fetch(new URL(part.uri, this.#url).href));
    const fragment = answer ? this.#parse(part.uri, answer.body, track, part.line) : null;
    if (!answer) this.#report('media-there', `${part.uri} is not there`, part.line);
    if (!answer || !fragment) {
      this.#timeline.skip(part.duration, track);
      return null;
    }
    this.#timeline.add(part.uri, fragment);
    this.#timeline.checkPart(part, fragment, track);
    return answer.body;
  }

  #parse(uri: string, bytes: Buffer, track: Track, line: number): Fragment | null {
    try {
      const fragment = readFragment(bytes, track);
      const ticks = fragment.sampleDurations[0];
      if (track.info.kind === 'video' && ticks) this.#fps = track.info.timescale / ticks;
      return fragment;
    } catch (error) {
      this.#report('media-form', `${uri}: ${(error as Error).message}`, line);
      return null;
    }
  }

  async #readSegment(segment: Segment, track: Track): Promise<void> {
    const { uri, duration, gap, msn, line } = segment;
    const reading = this.#readings.get(msn);
    if (uri === null || duration === null) return;
    if (gap) {
      const missing = duration - (reading?.seconds ?? 0);
      if (missing > 0.001) this.#timeline.skip(missing, track);
      return;
    }
    const answer = await this.#fetch(new URL(uri, this.#url).href);
    const fragment = answer ? this.#parse(uri, answer.body, track, line) : null;
    if (!answer) this.#report('media-there', `${uri} is not there`, line);
    if (!answer || !fragment) {
      if (!reading) this.#timeline.skip(duration, track);
      return;
    }
    if (!reading) this.#timeline.add(uri, fragment);
    this.#timeline.checkSegment(segment, fragment, track);
    this.rates.add(msn, answer.body.length, duration);
    this.#checkBitrate(segment, answer.body.length, duration);
    if (reading) await this.#compare(segment, reading, answer.body);
  }

  #checkBitrate({ bitrate, uri, line }: Segment, bytes: number, seconds: number): void {
    const measured = (bytes * 8) / seconds / 1000;
    if (bitrate !== null && Math.abs(bitrate / measured - 1) > 0.1)
      this.#report('bitrate-true', `${uri} has ${measured.toFixed(0)} kbit/s, not ${bitrate}`, line);
  }

  async #compare({ uri, parts, msn, line }: Segment, reading: Reading, bytes: Buffer): Promise<void> {
    const whole = reading.parts.filter((part) => part !== null);
    if (whole.length === reading.parts.length && !Buffer.concat(whole).equals(bytes))
      this.#report('parts-join', `${uri}`, line);
    // One part of each segment once more, another one each time.
    const index = msn % Math.max(1, parts.length);
    const [part, first] = [parts[index], reading.parts[index]];
    if (!part || !first) return;
    const again = await this.#fetch(new URL(part.uri, this.#url).href);
    if (!again?.body.equals(first)) this.#report('bytes-stable', part.uri, part.line);
  }
}
