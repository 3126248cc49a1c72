/**
 * What stands between the camera and what is sent of it: nothing, or the blur (door/blur, loaded when it is wanted). In: the camera's
 * track. Out: the track to show and send.
 */
import { type Signal, signal } from '@preact/signals';
import type { Blur } from '../door/blur/Blur.ts';
import type { MediaSettings } from './MediaSettings.ts';

/** `slow`: this machine cannot keep up; `failed`: it does not run here at all. The picture is sent as it is then. */
export type BackgroundState = 'off' | 'starting' | 'on' | 'slow' | 'failed';

interface Options {
  settings: MediaSettings;
  show: (track: MediaStreamTrack | null) => void;
}

export class CameraBackground {
  readonly state: Signal<BackgroundState> = signal('off');
  readonly #options: Options;
  #blur: Blur | undefined;
  /** Grows with each track: a blur that is ready for an older one is of no use. */
  #generation = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * From now on of this track; null: of none. With blur nothing is shown before it is blurred, for that is what was asked for; but `seen`: it is
   * being shown as it is, and goes on until then.
   */
  of(raw: MediaStreamTrack | null, seen = false): void {
    const generation = ++this.#generation;
    this.#blur?.close();
    this.#blur = undefined;
    const { settings, show } = this.#options;
    if (!raw || !settings.blur.value) {
      if (!settings.blur.value) this.state.value = 'off';
      show(raw);
      return;
    }
    if (!seen) show(null);
    this.state.value = 'starting';
    void this.#start(raw, generation);
  }

  /** Never rejects. */
  async #start(raw: MediaStreamTrack, generation: number): Promise<void> {
    const current = (): boolean => generation === this.#generation;
    const without = (state: BackgroundState): void => {
      if (!current()) return;
      this.#blur?.close();
      this.#blur = undefined;
      this.state.value = state;
      this.#options.show(raw);
    };
    try {
      const { Blur } = await import('../door/blur/Blur.ts');
      if (!current()) return;
      const blur = await Blur.create(raw, { onSlow: () => without('slow'), onFailed: () => without('failed') });
      if (!current()) {
        blur.close();
        return;
      }
      this.#blur = blur;
      this.state.value = 'on';
      this.#options.show(blur.track);
    } catch (error) {
      console.warn('the background cannot be blurred', error);
      without('failed');
    }
  }
}
