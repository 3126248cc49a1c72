import type { ReadonlySignal } from '@preact/signals';

export interface QualityLevel {
  /** As `setLevel` takes it. */
  index: number;
  /** Lines of the picture. */
  height: number;
  /** Bits a second. */
  bitrate: number;
}

/** What plays one broadcast into a video element: hls.js where there is MSE, else the browser itself. */
export interface Engine {
  /** Seconds behind the live edge; null while it is not known. */
  readonly latency: ReadonlySignal<number | null>;
  readonly levels: ReadonlySignal<readonly QualityLevel[]>;
  /** The level chosen by the person; -1 is automatic. */
  readonly chosenLevel: ReadonlySignal<number>;
  /** Lines of the picture that is shown; 0 while it is not known. */
  readonly height: ReadonlySignal<number>;
  setLevel(index: number): void;
  seekToLive(): void;
  close(): void;
}

export interface EngineEvents {
  /** The playlist says that it is over, or cannot be had any more: time to ask what the room does. */
  onQuestion: () => void;
}
