import type { BroadcastInput, BroadcastState, BroadcastStatus } from '../contracts/broadcast.ts';
import type { DestinationStatus } from '../contracts/deliveryControl.ts';
import type { ProgramFigures } from '../contracts/health.ts';
import { recordingIdOf } from '../contracts/recording.ts';
import { videoRenditionsFor } from './jobs.ts';
import { ProgramMeter } from './ProgramMeter.ts';

/** Figures are told at most this often, ms. */
const FIGURES_MS = 1_000;

export type WaitStatus = Pick<BroadcastStatus, 'position' | 'waitReason'>;

/** Told of each status, and of what the last seconds were like. */
export type OnStatus = (room: string, status: BroadcastStatus, figures: ProgramFigures) => void;

export interface StatusBoardOptions {
  id: string;
  room: string;
  input: BroadcastInput;
  onStatus: OnStatus;
}

/** What anybody may know of a broadcast. Changes of state are told at once, figures at most once a second. */
export class StatusBoard {
  readonly meter = new ProgramMeter();
  readonly #room: string;
  readonly #onStatus: OnStatus;
  readonly #destinations = new Map<string, DestinationStatus>();
  #status: BroadcastStatus;
  #toldAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor({ id, room, input, onStatus }: StatusBoardOptions) {
    this.#room = room;
    this.#onStatus = onStatus;
    const { width, height, fps, bitrate } = input.video;
    this.#status = {
      id,
      state: 'starting',
      startedAt: null,
      endedAt: null,
      endReason: null,
      position: null,
      waitReason: null,
      playlist: `/live/${room}/index.m3u8`,
      playback: input.playback,
      video: { width, height, fps, bitrate },
      renditions: videoRenditionsFor(input).map(({ kind: _, ...rendition }) => rendition),
      captions: input.captions,
      fps: 0,
      bitrate: 0,
      lateFrames: 0,
      degradation: 'none',
      viewers: 0,
      restarts: 0,
      destinations: [],
      recording: input.record
        ? { id: recordingIdOf(id), state: 'recording', complete: true, reason: '', startedAt: null }
        : null,
    };
  }

  get status(): BroadcastStatus {
    return { ...this.#status, destinations: [...this.#destinations.values()] };
  }

  get state(): BroadcastState {
    return this.#status.state;
  }

  /** Something that people wait for: told at once. */
  set(change: Partial<Omit<BroadcastStatus, 'destinations'>>): void {
    this.#status = { ...this.#status, ...change };
    this.#tell();
  }

  /** Where it waits; a live one whose agent goes may wait, too, and nobody sees that. */
  waits({ position, waitReason }: WaitStatus): void {
    const { state, ...before } = this.#status;
    const same = before.position === position && before.waitReason === waitReason;
    if (!same && state !== 'live') this.set({ position, waitReason });
  }

  /** Something that only counts up and down. */
  figures(change: Partial<Pick<BroadcastStatus, 'fps' | 'bitrate' | 'lateFrames' | 'viewers'>>): void {
    this.#status = { ...this.#status, ...change };
    this.#tellSoon();
  }

  destination(status: DestinationStatus): void {
    const before = this.#destinations.get(status.id);
    this.#destinations.set(status.id, status);
    const moved =
      before?.state !== status.state || before.reason !== status.reason || before.connects !== status.connects;
    if (moved) this.#tell();
    else this.#tellSoon();
  }

  removeDestination(id: string): void {
    if (this.#destinations.delete(id)) this.#tell();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tellSoon(): void {
    if (this.#timer) return;
    const wait = Math.max(0, this.#toldAt + FIGURES_MS - performance.now());
    this.#timer = setTimeout(() => this.#tell(), wait);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#toldAt = performance.now();
    this.#onStatus(this.#room, this.status, this.meter.figures);
  }
}
