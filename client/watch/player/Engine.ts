import type { ReadonlySignal } from '@preact/signals';

export interface QualityLevel {
  /** As `setLevel` takes it. */
  index: number;
  /** Lines of the picture. */
  height: number;
  /** Bits a second. */
  bitrate: number;
}

export interface CaptionTrack {
  /** As `setCaptions` takes it. */
  index: number;
  /** As the playlist calls it: a language, mostly. */
  name: string;
  /** BCP 47; `und` where it is not known. */
  language: string;
}

/** What can be gone to. */
export interface Timeline {
  /** Seconds on the media's own clock. */
  start: number;
  end: number;
  /** Wall clock of the media's zero, ms since 1970; null: the playlist says no times. */
  zeroMs: number | null;
}

/** `recorded`: has a beginning and an end, and nothing is added. */
export type Kind = 'live' | 'recorded';

/** What plays one broadcast into a video element: hls.js where there is MSE, else the browser itself. */
export interface Engine {
  /** Seconds behind the live edge; null while it is not known. */
  readonly latency: ReadonlySignal<number | null>;
  readonly levels: ReadonlySignal<readonly QualityLevel[]>;
  /** The level chosen by the person; -1 is automatic. */
  readonly chosenLevel: ReadonlySignal<number>;
  /** Lines of the picture that is shown; 0 while it is not known. */
  readonly height: ReadonlySignal<number>;
  readonly captions: ReadonlySignal<readonly CaptionTrack[]>;
  /** -1: none. */
  readonly chosenCaptions: ReadonlySignal<number>;
  /** null while it is not known. */
  readonly timeline: ReadonlySignal<Timeline | null>;
  setLevel(index: number): void;
  setCaptions(index: number): void;
  /** Goes to a time of the timeline, and stays that far behind. */
  seekTo(seconds: number): void;
  seekToLive(): void;
  close(): void;
}

export interface EngineEvents {
  /** The playlist says that it is over, or cannot be had any more: time to ask what the room does. */
  onQuestion: () => void;
  /** The picture is about to go, until everything was built anew. */
  onBreak: () => void;
}
