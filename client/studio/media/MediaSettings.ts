/**
 * How one wants to be seen and heard, kept by this browser: quality, processing of the sound, front or back camera, blur, the loudspeaker.
 * LocalMedia.ts captures by it; a device itself is chosen there.
 */
import { computed, type Signal, signal } from '@preact/signals';
import { remembered } from '../../shared/storage.ts';

/** Heights of a 16:9 picture that can be chosen, the smallest first. */
export const QUALITIES = [180, 360, 540, 720, 1080] as const;
export type Quality = (typeof QUALITIES)[number];
/** That of the program, by default. */
export const USUAL_QUALITY: Quality = 720;

/** Which way a phone's camera looks: at the person or away. */
export type Facing = 'user' | 'environment';

/** What the browser does to the microphone's sound. */
export interface Processing {
  echo: boolean;
  noise: boolean;
  gain: boolean;
}

const toQuality = (kept: string | undefined): Quality =>
  QUALITIES.find((quality) => String(quality) === kept) ?? USUAL_QUALITY;

/** A signal that is on unless it was turned off, or the other way round. */
function kept(key: string, usual: boolean): Signal<boolean> {
  const value = remembered.get(key);
  return signal(value === undefined ? usual : value === 'on');
}

export class MediaSettings {
  readonly quality = signal<Quality>(toQuality(remembered.get('quality')));
  readonly facing = signal<Facing>(remembered.get('facing') === 'environment' ? 'environment' : 'user');
  readonly echo = kept('sound.echo', true);
  readonly noise = kept('sound.noise', true);
  readonly gain = kept('sound.gain', true);
  /** Instruments and songs: nothing is taken out of the sound, and it is sent in stereo. */
  readonly music = kept('sound.music', false);
  readonly blur = kept('blur', false);
  /** Id of the loudspeaker; '' for the system's. */
  readonly speaker = signal(remembered.get('speaker') ?? '');

  /** What holds: music mode is above the three switches. */
  readonly processing = computed<Processing>(() =>
    this.music.value
      ? { echo: false, noise: false, gain: false }
      : { echo: this.echo.value, noise: this.noise.value, gain: this.gain.value },
  );

  set(key: 'echo' | 'noise' | 'gain' | 'music' | 'blur', on: boolean): void {
    this[key].value = on;
    remembered.set(key === 'blur' ? key : `sound.${key}`, on ? 'on' : 'off');
  }

  setQuality(quality: Quality): void {
    this.quality.value = quality;
    remembered.set('quality', String(quality));
  }

  setFacing(facing: Facing): void {
    this.facing.value = facing;
    remembered.set('facing', facing);
  }

  setSpeaker(id: string): void {
    this.speaker.value = id;
    remembered.set('speaker', id);
  }
}
