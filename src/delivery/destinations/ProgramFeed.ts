/**
 * What destinations are fed with: one two-track fragmented MP4, a fragment a part, in order and without a hole on the grid. In:
 * visible parts of the store, and the clock. Out: `fragment` events; next: Destination.ts.
 *
 * While nothing comes from a compositor, slate and silence are put in the parts' places, so that the connection and its
 * timing are held; the program goes on at the next segment that begins with a key frame.
 */
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import {
  AAC_FRAME_SAMPLES,
  audioFramesOfPart,
  type Grid,
  partStartMs,
  partsPerSegment,
  VIDEO_TIMESCALE,
} from '../../contracts/grid.ts';
import { asTrack, makeFragment, readSamples, type Sample } from '../mp4/fragment.ts';
import { type InitSegment, mergeInits } from '../mp4/initSegment.ts';

/** A part that has not come this long after its end on the grid is filled with slate, ms. */
const FILL_AFTER_MS = 1000;
const VIDEO_TRACK = 1;
const AUDIO_TRACK = 2;

export interface FeedFragment {
  /** Segment × parts per segment + part. */
  position: number;
  /** Its video begins with an IDR frame. */
  key: boolean;
  slate: boolean;
  bytes: Buffer;
}

export interface TrackInit {
  bytes: Buffer;
  info: InitSegment;
}

interface Slate {
  video: Sample[];
  audio: Sample[];
}

export class ProgramFeed extends TypedEmitter<{ fragment: [fragment: FeedFragment] }> {
  readonly #grid: Grid;
  readonly #partsPerSegment: number;
  #video: TrackInit | undefined;
  #audio: TrackInit | undefined;
  #slateBytes: { video?: Buffer; audio?: Buffer } = {};
  /** What `#slateBytes` hold, once it was read. */
  #newestSlate: Slate | undefined;
  /** The GOP of slate that is being sent: a newer slate must not show in its middle. */
  #slate: Slate | undefined;
  #init: Buffer | undefined;
  /** The position that comes next; undefined before the first key frame. */
  #next: number | undefined;
  /** How many parts of slate have followed each other; 0 while the program runs. */
  #slateRun = 0;
  /** Positions were left out, since there was no slate: what follows cannot be decoded before the next key frame. */
  #torn = false;
  #gop: FeedFragment[] = [];
  #stopBefore = Number.POSITIVE_INFINITY;

  constructor(grid: Grid) {
    super();
    this.#grid = grid;
    this.#partsPerSegment = partsPerSegment(grid);
  }

  /** ftyp and moov of both tracks; undefined until both are known. */
  get init(): Buffer | undefined {
    if (!this.#init && this.#video && this.#audio) this.#init = mergeInits(this.#video.bytes, this.#audio.bytes);
    return this.#init;
  }

  /** From the newest key frame on: where a new connection begins. */
  get lastGop(): readonly FeedFragment[] {
    return this.#gop;
  }

  setInit(kind: 'video' | 'audio', init: TrackInit): void {
    if (kind === 'video') this.#video = init;
    else this.#audio = init;
  }

  /** One segment's worth of slate or silence in the broadcast's own encoding; sent from the slate's next key frame on. */
  setSlate(kind: 'video' | 'audio', bytes: Buffer): void {
    this.#slateBytes[kind] = bytes;
    this.#newestSlate = undefined;
  }

  /** From this position on nothing follows, slate neither: it is another node's. Infinity: it is ours. */
  stopAt(position: number): void {
    this.#stopBefore = position;
  }

  /** A part is there in both tracks. */
  program(segment: number, part: number, video: Buffer, audio: Buffer): void {
    const position = segment * this.#partsPerSegment + part;
    const key = part === 0;
    if (this.#next === undefined) {
      if (!key) return;
      this.#next = position;
    }
    if (position < this.#next || position >= this.#stopBefore) return;
    this.#fillTo(position);
    if ((this.#slateRun > 0 || this.#torn) && !key) {
      // Its key frame, or a part after that, was missed; slate until the next.
      this.#fillTo(position + 1);
      return;
    }
    this.#slateRun = 0;
    this.#torn = false;
    const bytes = Buffer.concat([
      asTrack(video, VIDEO_TRACK, sequence(position, 0)),
      asTrack(audio, AUDIO_TRACK, sequence(position, 1)),
    ]);
    this.#emit({ position, key, slate: false, bytes });
  }

  /** Puts slate where parts are overdue. A compositor makes its slate in its first seconds, its busiest: until then, what is late is waited for. */
  tick(programMs: number): void {
    if (this.#next === undefined || !this.#readSlate()) return;
    const partMs = partStartMs(this.#grid, 0, 1);
    this.#fillTo(Math.floor((programMs - FILL_AFTER_MS) / partMs));
  }

  /** Slate for every position before `end` that has nothing. */
  #fillTo(end: number): void {
    for (let next = this.#next ?? end; next < Math.min(end, this.#stopBefore); next++) {
      const index = this.#slateRun % this.#partsPerSegment;
      if (index === 0) this.#slate = this.#readSlate();
      const slate = this.#slate;
      if (!slate) {
        this.#next = next + 1;
        this.#torn = true;
        continue;
      }
      this.#slateRun += 1;
      this.#emit({ position: next, key: index === 0, slate: true, bytes: this.#slateFragment(slate, next, index) });
    }
  }

  #emit(fragment: FeedFragment): void {
    this.#next = fragment.position + 1;
    if (fragment.key) this.#gop = [];
    this.#gop.push(fragment);
    this.emit('fragment', fragment);
  }

  #readSlate(): Slate | undefined {
    const { video, audio } = this.#slateBytes;
    if (!this.#newestSlate && video && audio && this.#video && this.#audio)
      this.#newestSlate = { video: readSamples(video, this.#video.info), audio: readSamples(audio, this.#audio.info) };
    return this.#newestSlate;
  }

  #slateFragment(slate: Slate, position: number, index: number): Buffer {
    const { framesPerPart, fps } = this.#grid;
    const video = slate.video.slice(index * framesPerPart, (index + 1) * framesPerPart);
    const segment = Math.floor(position / this.#partsPerSegment);
    const { first, count } = audioFramesOfPart(this.#grid, segment, position % this.#partsPerSegment);
    const audio = Array.from({ length: count }, (_, i) => slate.audio[(first + i) % slate.audio.length] as Sample);
    const videoTime = position * framesPerPart * (VIDEO_TIMESCALE / fps);
    return Buffer.concat([
      makeFragment(VIDEO_TRACK, sequence(position, 0), videoTime, video),
      makeFragment(AUDIO_TRACK, sequence(position, 1), first * AAC_FRAME_SAMPLES, audio),
    ]);
  }
}

/** `mfhd` numbers grow by one a fragment (ISO/IEC 14496-12 section 8.8.5); they are 32 bits and may wrap. */
const sequence = (position: number, track: number): number => (position * 2 + track + 1) >>> 0;
