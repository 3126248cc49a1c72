/** Fetches all that a playlist of WebVTT subtitles lists, in order, and holds it against it. In: versions of the playlist. */
import { Rates } from '../media/Rates.ts';
import { readVtt, type VttCue, type VttSegment } from '../media/vtt.ts';
import { type MediaPlaylist, type Segment, wholeSegments } from '../parse/playlist.ts';
import type { Report } from '../rules/Findings.ts';
import { askMedia, type Context } from './Context.ts';
import type { Answer } from './HttpClient.ts';

/** Of a long playlist only this many segments are read at the beginning. */
const BACKLOG = 30;
/** Cue times and dates are whole milliseconds, seconds. */
const TOLERANCE_SECONDS = 0.003;

/** As MediaReader.ts, of captions. */
export class CaptionReader {
  readonly rates = new Rates();
  readonly track = null;
  readonly fps = null;
  readonly #context: Context;
  readonly #url: string;
  readonly #report: Report;
  /** The segment that is read next. */
  #next: number | null = null;
  /** Those of the one before that reach into the next, in media time. */
  #reaching: VttCue[] = [];
  #work: Promise<void> = Promise.resolve();
  #kept = 0;

  constructor(context: Context, url: string, report: Report) {
    this.#context = context;
    this.#url = url;
    this.#report = report;
  }

  /** There are no parts, and so nothing is hinted at. */
  hint(_uri: string, _answer: Promise<Answer | null>): void {}

  /** Reads what is new in this version; the promise is of all that was taken so far. */
  take(playlist: MediaPlaylist): Promise<void> {
    this.#work = this.#work.then(() => this.#read(playlist));
    return this.#work;
  }

  async #read(playlist: MediaPlaylist): Promise<void> {
    const whole = wholeSegments(playlist);
    this.#kept = whole.reduce((sum, { duration }) => sum + duration, 0);
    this.#next ??= whole.at(-BACKLOG)?.msn ?? playlist.sequence;
    for (const segment of whole) {
      if (segment.msn < this.#next) continue;
      if (segment.msn > this.#next) this.#reaching = [];
      this.#next = segment.msn + 1;
      await this.#readSegment(segment);
    }
  }

  async #readSegment(segment: Segment & { uri: string; duration: number }): Promise<void> {
    const { uri, duration, msn, line } = segment;
    const url = new URL(uri, this.#url).href;
    const answer = await askMedia(this.#context, url, this.#report, this.#kept);
    if (!answer) {
      this.#report('media-there', `${uri} is not there`, line);
      this.#reaching = [];
      return;
    }
    this.rates.add(msn, answer.body.length, duration);
    const again = await askMedia(this.#context, url, this.#report, this.#kept);
    if (!again?.body.equals(answer.body)) this.#report('bytes-stable', uri, line);
    try {
      this.#check(segment, readVtt(answer.body));
    } catch (error) {
      this.#report('vtt-form', `${uri}: ${(error as Error).message}`, line);
      this.#reaching = [];
    }
  }

  #check({ uri, date, duration, line }: Segment & { duration: number }, { offset, cues }: VttSegment): void {
    if (offset === null) this.#report('vtt-map', `${uri}`, line);
    const mapped = cues.map((cue) => ({ ...cue, start: cue.start + (offset ?? 0), end: cue.end + (offset ?? 0) }));
    for (const cue of this.#reaching)
      if (!mapped.some((other) => other.text === cue.text && near(other.start, cue.start) && near(other.end, cue.end)))
        this.#report('vtt-repeat', `${uri} is without '${cue.text}'`, line);
    const { ms: zero } = this.#context.offset;
    this.#reaching = [];
    // What the media's own time of the segment is shows when some of them have been read.
    if (!date || zero === null) return;
    const from = (date.ms - zero) / 1000;
    const to = from + duration;
    for (const cue of mapped)
      if (cue.end <= from - TOLERANCE_SECONDS || cue.start >= to + TOLERANCE_SECONDS)
        this.#report('vtt-time', `${uri}: '${cue.text}' at ${cue.start.toFixed(3)}, not in ${from} to ${to}`, line);
    this.#reaching = mapped.filter(({ end }) => end > to + TOLERANCE_SECONDS);
  }
}

const near = (a: number, b: number): boolean => Math.abs(a - b) < TOLERANCE_SECONDS;
