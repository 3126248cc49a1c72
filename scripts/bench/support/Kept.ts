/** Everything of one live program, kept from its playlists as a player fetches them, and judged frame by frame afterwards. */

import { decodeMedia } from '../../../test/support/program/decodeMedia.ts';
import { HlsRecorder } from '../../../test/support/program/HlsRecorder.ts';
import { breaks, cadence } from '../../../test/support/program/timeline.ts';

export interface Judged {
  frames: number;
  /** Of the grid between the first frame and the last. */
  missing: number;
  doubled: number;
  /** Places where the sound has a hole. */
  soundBreaks: number;
}

export class Kept {
  readonly #recorder: HlsRecorder;

  private constructor(recorder: HlsRecorder) {
    this.#recorder = recorder;
  }

  /** `url`: the multivariant playlist. */
  static async start(url: string, folder: string): Promise<Kept> {
    return new Kept(await HlsRecorder.start({ url, folder, patient: true }));
  }

  /** Ends it. Rejects when following it failed. */
  async judge(fps: number): Promise<Judged> {
    await this.#recorder.segments(1);
    await this.#recorder.stop();
    const fileOf = (letter: string) => this.#recorder.tracks.find(({ name }) => name.startsWith(letter))?.file ?? '';
    const video = (await decodeMedia(fileOf('v'))).video?.packets ?? [];
    const audio = (await decodeMedia(fileOf('a'))).audio?.packets ?? [];
    const times = video.map(({ at }) => at).sort((a, b) => a - b);
    const { missing, doubled } = cadence(times, fps);
    return { frames: times.length, missing, doubled, soundBreaks: breaks(audio).length };
  }
}
