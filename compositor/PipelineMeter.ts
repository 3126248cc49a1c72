/** Counts what the pipeline does; `take()` answers for the time since it was last asked. */
export interface PipelineFigures {
  /** The newest composed frame; negative before the first. */
  frame: number;
  frames: number;
  lateFrames: number;
  repeatedFrames: number;
  fps: number;
  composeMsP50: number;
  composeMsP95: number;
  encodeMsP50: number;
  encodeMsP95: number;
  bitrate: number;
}

/** The value that `share` of all are not above; 0 of none. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

export class PipelineMeter {
  #frame = -1;
  #frames = 0;
  #late = 0;
  #repeated = 0;
  #composeMs: number[] = [];
  #encodeMs: number[] = [];
  #bytes = 0;
  #takenFrames = 0;
  #takenBytes = 0;
  #takenAt = performance.now();

  composed(frame: number, composeMs: number, late: boolean): void {
    this.#frame = frame;
    this.#frames += 1;
    if (late) this.#late += 1;
    this.#composeMs.push(composeMs);
  }

  repeated(frame: number, late: boolean): void {
    this.#frame = frame;
    this.#frames += 1;
    this.#repeated += 1;
    if (late) this.#late += 1;
  }

  encoded(ms: number): void {
    this.#encodeMs.push(ms);
  }

  /** Bytes of all parts since the start. */
  put(bytes: number): void {
    this.#bytes = bytes;
  }

  take(): PipelineFigures {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#takenAt) / 1000);
    const figures = {
      frame: this.#frame,
      frames: this.#frames,
      lateFrames: this.#late,
      repeatedFrames: this.#repeated,
      fps: (this.#frames - this.#takenFrames) / seconds,
      composeMsP50: percentile(this.#composeMs, 0.5),
      composeMsP95: percentile(this.#composeMs, 0.95),
      encodeMsP50: percentile(this.#encodeMs, 0.5),
      encodeMsP95: percentile(this.#encodeMs, 0.95),
      bitrate: ((this.#bytes - this.#takenBytes) * 8) / seconds,
    };
    this.#takenAt = now;
    this.#takenFrames = this.#frames;
    this.#takenBytes = this.#bytes;
    this.#composeMs = [];
    this.#encodeMs = [];
    return figures;
  }
}
