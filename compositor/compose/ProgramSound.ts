/**
 * The program's sound as the pipeline sees it: jobs in, AAC frames' samples out. Sets the mixer by the scene and has its
 * music loaded. Next: encode/AudioEncoder.ts.
 */
import type { Logger } from '../../src/common/logger.ts';
import type { PeerId, SourceId } from '../../src/contracts/ids.ts';
import type { Job } from '../../src/contracts/job.ts';
import type { Pcm } from '../decode/OpusDecoder.ts';
import type { PcmTrack } from '../decode/PcmTrack.ts';
import { faders } from './levels.ts';
import { Mixer } from './Mixer.ts';
import type { MixMinus } from './MixMinus.ts';
import { type FetchSound, MusicLoader } from './MusicLoader.ts';

export class ProgramSound {
  readonly #mixer: Mixer;
  readonly #music: MusicLoader;

  /** `listeners`: who in the room hears the program, too; it may change at any time. */
  constructor(sound: FetchSound, logger: Logger, listeners?: ReadonlyMap<PeerId, MixMinus>) {
    this.#mixer = new Mixer(listeners);
    this.#music = new MusicLoader({ sound, logger, output: (music) => this.#mixer.setMusic(music) });
  }

  /** This job holds from the next block on. */
  apply({ scene, sources }: Job, trackOf: (id: SourceId) => PcmTrack | null): void {
    const levels = faders(scene, sources);
    const channels = sources.flatMap(({ id, carry }) => {
      const track = trackOf(id);
      return track ? [[id, { track, gain: levels.get(id) ?? 0, carriedGainDb: carry?.gainDb }] as const] : [];
    });
    this.#mixer.setLoudness(scene.loudness);
    this.#mixer.setSources(new Map(channels));
    this.#music.set(scene.music);
  }

  /** The samples of AAC frame `number`, valid until the next call. */
  mix(number: number): Pcm {
    return this.#mixer.mix(number);
  }

  /** Each source's automatic gain, dB: a successor goes on with it. */
  gainsDb(): Record<SourceId, number> {
    return this.#mixer.gainsDb();
  }

  /** Resolves when no music is being loaded. For tests. */
  settled(): Promise<void> {
    return this.#music.settled();
  }

  close(): void {
    this.#music.close();
  }
}
