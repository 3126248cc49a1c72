/**
 * When each picture of one source is shown first: in each frame of the program the picture that a vision mixer would have there.
 * In: capture and playout times of the pictures, in the order in which they are shown; out: program frames. Pure; asked by VideoSource.ts.
 *
 * Why not just the nearest frame: a source of the program's own rate whose times lie near the middle between two frames would
 * be rounded now here, now there by the slightest jitter of its clock mapping; one picture is seen twice then and the next never.
 *
 * So a source with a steady rate is locked. Where pictures come at `a / b` of the program's rate (30 into 30: 1/1, 25 into 30: 5/6,
 * 60 into 30: 2/1), the pattern of frames repeats after `b` frames, and a picture may lie in one of `a` places of a frame period.
 * Pictures are counted by their capture times, and each one more goes `b` places on, whatever the mapping does meanwhile. Only when
 * the places are off by more than half a place and SLACK, the pattern moves by one place: for a source of the program's rate one
 * picture is then left out or seen twice, and next time when a whole frame period has been gained or lost.
 *
 * Without a steady rate (a screen that changes now and then, a camera in the dark) each picture goes to the frame nearest to its time.
 */

/**
 * Beyond half a place the pattern may be off by this share of a frame period before it moves, 15 ms at 30 fps: each move is a picture that
 * is seen twice or never, and a playout delay that grows by some milliseconds, or an estimate that becomes better, is not worth one.
 */
const SLACK = 0.45;
/**
 * The middle of where a picture may be, as a share of a frame period after its time on the grid: a little late rather than early, since
 * it must be there by then. At the program's own rate a picture is seen at most 0.9 frame periods early and one late: 30 and 33 ms.
 */
const CENTRE = -0.05;
/** Places in a frame period at most: 24, 25 and 50 into 30 need 4 and 5; finer patterns are not told from jitter. */
const MAX_PLACES = 5;
/** The rate may differ by this from the pattern's: 29.97 goes as 30, and the pattern moves each 33 s. */
const RATE_TOLERANCE = 0.002;
/** Browsers label pictures in whole milliseconds, and cameras tremble a little, ms. */
const JITTER_MS = 3;
/** A rate is told from so many steps, and forgotten from older ones. */
const MIN_STEPS = 4;
const MAX_STEPS = 30;
/** While steps fit, the rate is looked at again after so many. */
const MAX_UNCHECKED = 15;
/** Of the kept steps this share may be irregular. */
const MAX_IRREGULAR = 0.2;
/** A step longer than this tells nothing of the rate: the source was paused, ms. */
const PAUSE_MS = 500;
/** Smoothing of how far the pattern is off, per picture. */
const SMOOTHING = 1 / 8;
/** Farther off than this is no drift: the mapping was set anew. In frame periods. */
const LOST = 2;

export interface PictureTime {
  /** On the source's own clock, ms. */
  captureMs: number;
  /** Program time at which it should be seen, ms. */
  playoutMs: number;
}

interface Pattern {
  /** Places in a frame period. */
  places: number;
  /** Places from one picture to the next. */
  stride: number;
}

export class Cadence {
  readonly #periodMs: number;
  readonly #steps: number[] = [];
  /** Until more is known a source is taken for one of the program's rate: most are. */
  #pattern: Pattern | null = { places: 1, stride: 1 };
  /** Of the newest picture. */
  #captureMs: number | null = null;
  #place = 0;
  #offMs = 0;
  #unchecked = 0;

  constructor(framePeriodMs: number) {
    this.#periodMs = framePeriodMs;
  }

  /** Pictures to a frame of the program, as `[a, b]`; null while there is no steady rate. */
  get rate(): readonly [number, number] | null {
    return this.#pattern && [this.#pattern.places, this.#pattern.stride];
  }

  /**
   * The first program frame that shows the next picture. `next`: the first frame that is not composed yet; a picture that should have
   * been in an earlier one was late.
   */
  frameOf({ captureMs, playoutMs }: PictureTime, next: number): number {
    const since = this.#captureMs === null ? Number.NaN : captureMs - this.#captureMs;
    this.#captureMs = captureMs;
    // A picture that replaces the one before may be labelled a little earlier.
    const stepMs = since < 0 && since > -JITTER_MS ? 0 : since;
    const steady = stepMs >= 0 && stepMs < PAUSE_MS;
    const changed = steady && this.#learn(stepMs);
    const pattern = this.#pattern;
    if (!pattern) return Math.round(playoutMs / this.#periodMs);
    if (changed || !steady) this.#lock(pattern, playoutMs);
    else {
      const before = this.#place;
      const offMs = this.#goOn(pattern, stepMs, playoutMs);
      // It replaces the one before, and must not make others wait if that has been shown already.
      if (this.#place === before) return Math.floor(before / pattern.places);
      if (Math.abs(offMs) > LOST * this.#periodMs) this.#lock(pattern, playoutMs);
      else this.#follow(pattern, offMs);
    }
    return this.#inTime(pattern, next);
  }

  /** The picture's place by counting; how far that is from its time. */
  #goOn({ places, stride }: Pattern, stepMs: number, playoutMs: number): number {
    const pictureMs = (stride * this.#periodMs) / places;
    this.#place += stride * Math.round(stepMs / pictureMs);
    return playoutMs - this.#timeOf(this.#place, places);
  }

  #lock({ places }: Pattern, playoutMs: number): void {
    // Nearest to its time. A first mapping takes arrival for capture, so that it will rather become earlier than later.
    this.#place = Math.round((playoutMs / this.#periodMs + 0.5) * places - 0.5);
    this.#offMs = playoutMs - this.#timeOf(this.#place, places);
  }

  #follow({ places }: Pattern, offMs: number): void {
    this.#offMs += (offMs - this.#offMs) * SMOOTHING;
    const boundMs = this.#periodMs * (0.5 / places + SLACK);
    const move = this.#offMs > boundMs ? 1 : this.#offMs < -boundMs ? -1 : 0;
    this.#place += move;
    this.#offMs -= (move * this.#periodMs) / places;
  }

  /**
   * A picture that comes too late for its frame: the pattern moves on to the next frame when that is not too late either, so that
   * what follows is seen in full; else the picture is left out.
   */
  #inTime({ places }: Pattern, next: number): number {
    const frame = Math.floor(this.#place / places);
    const late = next - frame;
    if (late <= 0) return frame;
    const offMs = this.#offMs - late * this.#periodMs;
    if (offMs < -this.#periodMs * (0.5 / places + SLACK)) return frame;
    this.#place += late * places;
    this.#offMs = offMs;
    return next;
  }

  /** Program time of the middle of a place, ms. */
  #timeOf(place: number, places: number): number {
    return ((place + 0.5) / places - 0.5 + CENTRE) * this.#periodMs;
  }

  /** Whether the pattern has other places now, or there is none any more. */
  #learn(stepMs: number): boolean {
    this.#steps.push(stepMs);
    if (this.#steps.length > MAX_STEPS) this.#steps.shift();
    this.#unchecked += 1;
    const known = this.#pattern;
    if (this.#steps.length < MIN_STEPS || (known && this.#fits(known, stepMs) && this.#unchecked < MAX_UNCHECKED)) {
      return false;
    }
    this.#unchecked = 0;
    this.#pattern = patternOf(this.#steps, this.#periodMs);
    return this.#pattern?.places !== known?.places;
  }

  #fits({ places, stride }: Pattern, stepMs: number): boolean {
    const pictureMs = (stride * this.#periodMs) / places;
    return Math.abs(stepMs - Math.round(stepMs / pictureMs) * pictureMs) <= 2 * JITTER_MS;
  }
}

/** The steady rate of a source, from the times between its pictures; null where there is none. */
function patternOf(steps: readonly number[], periodMs: number): Pattern | null {
  const median = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  if (median <= JITTER_MS) return null;
  // A picture that was left out makes a step of two; one that replaces the picture before makes none.
  const counts = steps.map((step) => Math.round(step / median));
  const regular = steps.filter((step, i) => Math.abs(step - (counts[i] ?? 0) * median) <= 2 * JITTER_MS);
  if (regular.length < steps.length * (1 - MAX_IRREGULAR)) return null;
  const pictures = counts.reduce((sum, count) => sum + count, 0);
  const spanMs = steps.reduce((sum, step) => sum + step, 0);
  const ratio = spanMs / pictures / periodMs;
  const tolerance = RATE_TOLERANCE + JITTER_MS / spanMs;
  for (let places = 1; places <= MAX_PLACES; places++) {
    const stride = Math.round(ratio * places);
    if (stride > 0 && Math.abs(ratio * places - stride) <= tolerance * stride) return { places, stride };
  }
  return null;
}
