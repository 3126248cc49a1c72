/**
 * Lines of captions of the rooms, typed by a host or posted by the API. In: lines (contracts/captions.ts). Out: to viewers by the broadcast
 * (broadcast/CaptionSender.ts), on the picture by the scene, from which they are taken off when their time is over, by this process or whichever has the
 * room then.
 */
import type { BroadcastService } from '../broadcast/BroadcastService.ts';
import type { CaptionAnswer, CaptionInput } from '../contracts/captions.ts';
import { readingMs } from '../contracts/captions.ts';
import { AppError } from '../contracts/errors.ts';
import type { RoomId } from '../contracts/ids.ts';
import type { Scene, VersionedScene } from '../contracts/scene.ts';
import { TokenBucket } from '../signaling/TokenBucket.ts';

/** Of a room: a recogniser that corrects itself says a line a second, and more than that nobody reads. */
const PER_SECOND = 4;
const BURST = 20;
/** Rooms whose pace is remembered; of who is forgotten the burst begins anew. */
const REMEMBERED = 1_000;

export interface CaptionDeskOptions {
  scene(room: RoomId): VersionedScene;
  setScene(room: RoomId, scene: Scene, ifMatch: number): VersionedScene;
  /** The wall clock at which the line goes, ms since 1970; undefined: none goes by itself. Outlives the process. */
  keepUntil(room: RoomId, until: number | undefined): void;
  /** ms since 1970. */
  wallClock?: () => number;
}

export class CaptionDesk {
  readonly #options: CaptionDeskOptions;
  readonly #wallClock: () => number;
  readonly #paces = new Map<RoomId, TokenBucket>();
  readonly #timers = new Map<RoomId, NodeJS.Timeout>();

  constructor(options: CaptionDeskOptions) {
    this.#options = options;
    this.#wallClock = options.wallClock ?? Date.now;
  }

  /** Throws AppError `too-many`, and for viewers what the broadcast says: `no-broadcast`, `conflict`, `bad-request`. */
  async say(
    room: RoomId,
    input: CaptionInput,
    broadcasts: Pick<BroadcastService, 'caption' | 'applyScene'>,
  ): Promise<CaptionAnswer> {
    if (!this.#paceOf(room).take()) throw new AppError('too-many');
    const { text, place, durationMs = readingMs(text) } = input;
    let answer: CaptionAnswer = { text, language: null, at: null, durationMs };
    if (place !== 'picture') answer = broadcasts.caption(room, input);
    if (place !== 'viewers') {
      this.#show(room, text.replaceAll('\n', ' '), durationMs);
      await broadcasts.applyScene(room);
    }
    return answer;
  }

  /** The room is at home here from now on. `until`: when the line on its picture goes; undefined: not by itself. */
  adopt(room: RoomId, until: number | undefined): void {
    this.forget(room);
    if (until !== undefined) this.#takeOffAt(room, until, this.#options.scene(room).scene.captions);
  }

  /** The room is at home elsewhere, or nowhere any more: what is on its picture is nobody's business here. */
  forget(room: RoomId): void {
    clearTimeout(this.#timers.get(room));
    this.#timers.delete(room);
  }

  /** What is on pictures stays until the next process takes it off. */
  close(): void {
    for (const room of [...this.#timers.keys()]) this.forget(room);
  }

  #show(room: RoomId, captions: string, durationMs: number | null): void {
    this.forget(room);
    this.#set(room, captions);
    const until = captions === '' || durationMs === null ? undefined : this.#wallClock() + durationMs;
    this.#options.keepUntil(room, until);
    if (until !== undefined) this.#takeOffAt(room, until, captions);
  }

  #takeOffAt(room: RoomId, until: number, captions: string): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(room);
        this.#options.keepUntil(room, undefined);
        // A host may have put another one there, which stays.
        if (this.#options.scene(room).scene.captions === captions) this.#set(room, '');
      },
      Math.max(0, until - this.#wallClock()),
    );
    timer.unref();
    this.#timers.set(room, timer);
  }

  #set(room: RoomId, captions: string): void {
    const { version, scene } = this.#options.scene(room);
    if (scene.captions !== captions) this.#options.setScene(room, { ...scene, captions }, version);
  }

  #paceOf(room: RoomId): TokenBucket {
    const pace = this.#paces.get(room) ?? new TokenBucket({ perSecond: PER_SECOND, burst: BURST });
    this.#paces.delete(room);
    this.#paces.set(room, pace);
    for (const oldest of this.#paces.keys()) {
      if (this.#paces.size <= REMEMBERED) break;
      this.#paces.delete(oldest);
    }
    return pace;
  }
}
