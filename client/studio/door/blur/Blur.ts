/**
 * A camera with its background blurred. In: a track. Out: another one of the same size. The work is done in a worker (next: blurWorker.ts), so
 * that it goes on while the page is in the background; nothing of it leaves this machine, and nothing comes from anybody but our own server.
 */
import type { InsertableStreams } from './canBlur.ts';
import type { BlurBegin, BlurSays } from './messages.ts';
import { Pace } from './pace.ts';

/** Loading the model, 4 MB compressed, at 1 Mbit/s, and building it on a slow machine, ms. */
const START_LIMIT_MS = 60_000;

interface Watchers {
  /** It takes more than this machine has. */
  onSlow: () => void;
  onFailed: () => void;
}

export class Blur {
  readonly track: MediaStreamTrack;
  readonly #worker: Worker;
  readonly #input: MediaStreamTrack;
  readonly #pace = new Pace();

  private constructor(track: MediaStreamTrack, worker: Worker, input: MediaStreamTrack) {
    this.track = track;
    this.#worker = worker;
    this.#input = input;
  }

  /** Resolves when the first blurred picture is there. Throws when the browser cannot. */
  static async create(raw: MediaStreamTrack, watchers: Watchers): Promise<Blur> {
    const { MediaStreamTrackProcessor, MediaStreamTrackGenerator } = globalThis as InsertableStreams;
    if (!MediaStreamTrackProcessor || !MediaStreamTrackGenerator)
      throw new Error('this browser has no insertable streams');
    // A clone: the processor takes the track's pictures, and the original is its owner's to stop.
    const input = raw.clone();
    const track = new MediaStreamTrackGenerator({ kind: 'video' });
    const worker = new Worker(new URL('./blurWorker.ts', import.meta.url), { type: 'module' });
    const blur = new Blur(track, worker, input);
    try {
      await blur.#begin(new MediaStreamTrackProcessor({ track: input }).readable, track.writable, watchers);
      return blur;
    } catch (error) {
      blur.close();
      throw error;
    }
  }

  #begin(frames: ReadableStream<VideoFrame>, blurred: WritableStream<VideoFrame>, watchers: Watchers): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the model does not start')), START_LIMIT_MS);
      const fail = (reason: string): void => {
        clearTimeout(timer);
        reject(new Error(reason));
        watchers.onFailed();
      };
      this.#worker.addEventListener('error', (event) => fail(event.message));
      this.#worker.addEventListener('message', ({ data }: MessageEvent<BlurSays>) => {
        if (data.type === 'failed') fail(data.reason);
        else if (data.type === 'round') {
          if (this.#pace.tooSlow(data.averageMs)) watchers.onSlow();
        } else {
          clearTimeout(timer);
          resolve();
        }
      });
      const begin: BlurBegin = { frames, blurred };
      this.#worker.postMessage(begin, [frames, blurred]);
    });
  }

  close(): void {
    this.#worker.terminate();
    this.#input.stop();
    this.track.stop();
  }
}
