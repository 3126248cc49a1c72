/**
 * The program as it goes out, for who is in the room. In: whether the person wants to see or hear it; out: that wish to the server, for each media
 * connection anew, and the tracks that come (StudioSession.ts owns it). While two compositors change there may be two tracks of a kind: the last is
 * the newest.
 */
import { computed, effect, signal } from '@preact/signals';
import type { ProgramSource } from '../../../src/contracts/programReturn.ts';
import { remembered } from '../../shared/storage.ts';
import type { RemoteTrack } from './MediaLink.ts';
import type { SignalingClient } from './SignalingClient.ts';

const KEY = 'monitor';
/** A wish that did not reach the server is told again after this, ms, and so often: a server of an older version never answers. */
const AGAIN_MS = 2_000;
const MOST_TIMES = 5;

export type ProgramTrack = RemoteTrack & { source: ProgramSource };

/** Tells tracks of the program from those of people. */
export const isProgramTrack = (track: RemoteTrack): track is ProgramTrack =>
  track.source === 'program' || track.source === 'program-sound';

export class MonitorSession {
  readonly tracks = signal<readonly ProgramTrack[]>([]);
  /** It is on show. null: nobody has said so or otherwise; the page decides. */
  readonly shown = signal<boolean | null>(recall());
  /** The person wants the program's sound instead of the people's. */
  readonly listening = signal(false);

  readonly pictures = computed(() => this.tracks.value.filter(({ source }) => source === 'program'));
  readonly sound = computed(() => this.tracks.value.findLast(({ source }) => source === 'program-sound') ?? null);
  /** The program's sound is there and wanted: the people themselves are silent, or each would be heard twice. */
  readonly hears = computed(() => this.listening.value && this.sound.value !== null);

  readonly #signaling: SignalingClient;
  readonly #stop: () => void;
  /** There is a media connection to get it by. */
  readonly #connected = signal(false);
  #told = '';
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(signaling: SignalingClient) {
    this.#signaling = signaling;
    this.#stop = effect(() => {
      if (this.#connected.value) this.#tell(this.shown.value === true, this.listening.value);
    });
  }

  show(shown: boolean): void {
    remembered.set(KEY, shown ? 'on' : 'off');
    this.shown.value = shown;
    if (!shown) this.listening.value = false;
  }

  /** What the page begins with, where the person has not chosen. */
  suggest(shown: boolean): void {
    this.shown.value ??= shown;
  }

  /** There is another media connection, or none. */
  connected(is: boolean): void {
    this.#told = '';
    clearTimeout(this.#again);
    this.#connected.value = false;
    if (!is) this.tracks.value = [];
    this.#connected.value = is;
  }

  close(): void {
    clearTimeout(this.#again);
    this.#stop();
  }

  #tell(video: boolean, sound: boolean): void {
    const wish = JSON.stringify({ video, sound });
    // Nothing is what each connection begins with.
    if (wish === this.#told || (this.#told === '' && !video && !sound)) return;
    this.#told = wish;
    clearTimeout(this.#again);
    this.#ask({ video, sound }, 1);
  }

  #ask(wish: { video: boolean; sound: boolean }, times: number): void {
    this.#signaling.request('program:watch', wish).catch(() => {
      // Another wish, or another connection, has its own.
      if (times >= MOST_TIMES || this.#told !== JSON.stringify(wish) || !this.#connected.value) return;
      this.#again = setTimeout(() => this.#ask(wish, times + 1), AGAIN_MS);
    });
  }
}

function recall(): boolean | null {
  const kept = remembered.get(KEY);
  return kept === 'on' ? true : kept === 'off' ? false : null;
}
