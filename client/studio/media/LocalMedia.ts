import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type Problem, ProblemError, problemOf } from '../../shared/problems.ts';
import { remembered } from '../../shared/storage.ts';
import { CameraBackground } from './CameraBackground.ts';
import {
  captureBoth,
  captureCamera,
  captureMicrophone,
  captureScreen,
  type DeviceLists,
  deviceOf,
  listDevices,
} from './capture.ts';
import { cameraConstraints, microphoneConstraints } from './constraints.ts';
import { DeviceFollower } from './DeviceFollower.ts';
import { MediaSettings, type Quality } from './MediaSettings.ts';

/** What a select offers for "do not use one". */
export const NONE = 'none';

export type Kind = 'camera' | 'microphone';

/** A finger is what points: phones and tablets. */
const isHandheld = (): boolean => matchMedia('(pointer: coarse)').matches;

/**
 * The person's own camera, microphone and screen. It holds what they want to send; studio/session/MediaLink.ts sees to it
 * that the server gets that, and gets it again after a reconnect. What becomes of a device that is unplugged: DeviceFollower.ts.
 */
export class LocalMedia {
  readonly settings = new MediaSettings();
  /** What the camera gives; `camera` is this, or what CameraBackground.ts makes of it. */
  readonly #raw = signal<MediaStreamTrack | null>(null);
  readonly #camera = signal<MediaStreamTrack | null>(null);
  readonly #microphone = signal<MediaStreamTrack | null>(null);
  readonly #screen = signal<MediaStreamTrack | null>(null);
  readonly #screenAudio = signal<MediaStreamTrack | null>(null);
  readonly #screenSound = signal(remembered.get('screen-sound') !== 'off');
  readonly #soundMissing = signal(false);
  readonly #muted = signal(false);
  readonly #starting = signal(false);
  readonly #lists = signal<DeviceLists>({ cameras: [], microphones: [], speakers: [] });
  readonly problem: Signal<Problem | null> = signal(null);
  /** The device that is wanted: its id, '' for the browser's choice, or NONE. */
  readonly chosen = {
    camera: signal(remembered.get('camera') ?? ''),
    microphone: signal(remembered.get('microphone') ?? ''),
  };
  /** Counts the attempts of each kind: an older one that ends later must not replace what a newer one brought. */
  readonly #attempt = { camera: 0, microphone: 0 };
  /** What is wanted and could not be had, or went away. */
  readonly #missing = new Set<Kind>();
  #closed = false;

  readonly camera: ReadonlySignal<MediaStreamTrack | null> = this.#camera;
  readonly microphone: ReadonlySignal<MediaStreamTrack | null> = this.#microphone;
  readonly screen: ReadonlySignal<MediaStreamTrack | null> = this.#screen;
  readonly screenAudio: ReadonlySignal<MediaStreamTrack | null> = this.#screenAudio;
  /** A screen is shared with its sound, where there is any. Remembered. */
  readonly screenSound: ReadonlySignal<boolean> = this.#screenSound;
  /** A screen is shared, its sound was wanted, and the browser gave none. */
  readonly soundMissing: ReadonlySignal<boolean> = this.#soundMissing;
  readonly muted: ReadonlySignal<boolean> = this.#muted;
  readonly starting: ReadonlySignal<boolean> = this.#starting;
  readonly lists: ReadonlySignal<DeviceLists> = this.#lists;
  /** One sees oneself as in a mirror, unless the camera looks away. */
  readonly mirrored = computed(() => this.#raw.value?.getSettings().facingMode !== 'environment');
  /** A phone with cameras on both sides. */
  readonly canFlip = computed(() => this.#raw.value !== null && isHandheld() && this.#lists.value.cameras.length > 1);
  /** The loudspeaker that was chosen while it is there; '' for the system's. */
  readonly speaker = computed(() => {
    const chosen = this.settings.speaker.value;
    return this.#lists.value.speakers.some(({ id }) => id === chosen) ? chosen : '';
  });
  readonly background = new CameraBackground({
    settings: this.settings,
    show: (track) => {
      this.#camera.value = track;
    },
  });
  readonly follower = new DeviceFollower({
    lists: () => this.#refreshLists(),
    wanted: (kind) => this.chosen[kind].value !== NONE && !this.#closed,
    has: (kind) => this.#signalOf(kind).value !== null,
    start: async (kind, deviceId) => {
      if (this.#signalOf(kind).value) this.#drop(kind);
      await this.#start(kind, deviceId);
      return this.#signalOf(kind).value?.label;
    },
    lost: (label) => {
      this.problem.value = { code: 'device-unplugged', detail: label };
    },
  });

  readonly #onDeviceChange = (): void => void this.follower.changed();

  /** Asks for what is wanted of camera and microphone. What cannot be had is a `problem`; the other one still works. */
  async open(): Promise<void> {
    this.problem.value = null;
    this.#starting.value = true;
    navigator.mediaDevices?.addEventListener('devicechange', this.#onDeviceChange);
    try {
      if (await this.#openBoth()) return;
      if (!this.#microphone.value) await this.start('microphone');
      const first = this.#problemNow();
      if (!this.#raw.value) await this.start('camera');
      // Neither is there: one sentence about both.
      const second = this.#problemNow();
      if (first?.code === 'no-microphone' && second?.code === 'no-camera')
        this.problem.value = { code: 'no-device', detail: '' };
      else this.problem.value = second ?? first;
    } catch (error) {
      for (const kind of ['camera', 'microphone'] as const) if (!this.#signalOf(kind).value) this.#missing.add(kind);
      this.problem.value = problemOf(error);
    } finally {
      this.#starting.value = false;
      await this.#refreshLists();
    }
  }

  /** By one question of the browser to the person; false when each has to be asked for alone. */
  async #openBoth(): Promise<boolean> {
    const { camera, microphone } = this.chosen;
    if (camera.value === NONE || microphone.value === NONE || this.#raw.value || this.#microphone.value) return false;
    const attempt = { camera: ++this.#attempt.camera, microphone: ++this.#attempt.microphone };
    const both = await captureBoth(this.#cameraWish(camera.value), this.#microphoneWish(microphone.value));
    if (!both) return false;
    // Whoever chose otherwise while the browser was asking, above all "none", gets what they chose.
    for (const kind of ['camera', 'microphone'] as const) {
      if (attempt[kind] === this.#attempt[kind] && !this.#closed) this.#take(kind, both[kind]);
      else both[kind].stop();
    }
    return true;
  }

  /** Turns a camera or microphone on. A remembered device that is gone falls back to the browser's choice. */
  async start(kind: Kind): Promise<void> {
    this.follower.forget(kind);
    await this.#start(kind, this.chosen[kind].value);
  }

  async #start(kind: Kind, wanted: string): Promise<void> {
    if (wanted === NONE || this.#closed) return;
    const attempt = ++this.#attempt[kind];
    const capture = (deviceId: string) =>
      kind === 'camera' ? captureCamera(this.#cameraWish(deviceId)) : captureMicrophone(this.#microphoneWish(deviceId));
    try {
      const track = await capture(wanted).catch((error: unknown) => {
        const { code } = problemOf(error);
        if (wanted === '' || (code !== 'no-camera' && code !== 'no-microphone')) throw error;
        return capture('');
      });
      if (attempt !== this.#attempt[kind] || this.#closed) return track.stop();
      this.problem.value = null;
      this.#take(kind, track);
    } catch (error) {
      if (attempt !== this.#attempt[kind]) return;
      this.#missing.add(kind);
      this.problem.value = problemOf(error);
      // Whoever then plugs one in need not ask again.
      if (error instanceof ProblemError && (error.code === 'no-camera' || error.code === 'no-microphone'))
        this.follower.misses(kind);
    }
  }

  /** Asks again for what is missing, and leaves alone what the person turned off. */
  async retry(): Promise<void> {
    this.problem.value = null;
    let last: Problem | null = null;
    for (const kind of [...this.#missing]) {
      await this.start(kind);
      last = this.#problemNow() ?? last;
    }
    this.problem.value = last;
  }

  /** Turns it off: the device's light goes out. */
  stop(kind: Kind): void {
    this.follower.forget(kind);
    this.#drop(kind);
  }

  #drop(kind: Kind): void {
    this.#attempt[kind]++;
    this.#missing.delete(kind);
    const track = this.#signalOf(kind);
    track.value?.stop();
    track.value = null;
    if (kind === 'camera') this.background.of(null);
  }

  /** Chooses a device, '' for the browser's choice, or NONE, and remembers it. */
  async choose(kind: Kind, deviceId: string): Promise<void> {
    this.chosen[kind].value = deviceId;
    remembered.set(kind, deviceId);
    // Some phones open one camera at a time: the old one has to go first.
    this.stop(kind);
    if (this.#missing.size === 0) this.problem.value = null;
    await this.start(kind);
  }

  /** The camera on the phone's other side. */
  async flip(): Promise<void> {
    const facing = this.#raw.value?.getSettings().facingMode ?? this.settings.facing.value;
    this.settings.setFacing(facing === 'environment' ? 'user' : 'environment');
    await this.choose('camera', '');
  }

  /** Another size of the camera's picture, at once. */
  async setQuality(quality: Quality): Promise<void> {
    this.settings.setQuality(quality);
    await this.#again('camera');
  }

  /** Turns a switch of the sound; the microphone is opened anew with it. */
  async setSound(key: 'echo' | 'noise' | 'gain' | 'music', on: boolean): Promise<void> {
    this.settings.set(key, on);
    await this.#again('microphone');
  }

  setBlur(on: boolean): void {
    this.settings.set('blur', on);
    this.background.of(this.#raw.value, true);
  }

  async #again(kind: Kind): Promise<void> {
    if (!this.#signalOf(kind).value) return;
    this.#drop(kind);
    await this.#start(kind, this.chosen[kind].value);
  }

  setMuted(muted: boolean): void {
    this.#muted.value = muted;
  }

  /** From the next screen on. */
  wantScreenSound(wanted: boolean): void {
    this.#screenSound.value = wanted;
    remembered.set('screen-sound', wanted ? 'on' : 'off');
    if (!wanted) this.#soundMissing.value = false;
  }

  /** Who has read it knows. */
  dismissSoundMissing(): void {
    this.#soundMissing.value = false;
  }

  async shareScreen(): Promise<void> {
    try {
      const withSound = this.#screenSound.value;
      const shared = await captureScreen(withSound);
      if (!shared) return;
      if (this.#closed) {
        shared.screen.stop();
        shared.audio?.stop();
        return;
      }
      this.stopScreen();
      // The browser's own "stop sharing" ends the track.
      shared.screen.addEventListener('ended', () => this.stopScreen());
      this.#screenAudio.value = shared.audio ?? null;
      this.#screen.value = shared.screen;
      this.#soundMissing.value = withSound && !shared.audio;
    } catch (error) {
      this.problem.value = problemOf(error);
    }
  }

  stopScreen(): void {
    this.#screen.value?.stop();
    this.#screenAudio.value?.stop();
    this.#screen.value = null;
    this.#screenAudio.value = null;
    this.#soundMissing.value = false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    navigator.mediaDevices?.removeEventListener('devicechange', this.#onDeviceChange);
    this.stop('camera');
    this.stop('microphone');
    this.stopScreen();
  }

  /** Read anew: the compiler takes a signal's value for what was last written to it. */
  #problemNow(): Problem | null {
    return this.problem.value;
  }

  #signalOf(kind: Kind): Signal<MediaStreamTrack | null> {
    return kind === 'camera' ? this.#raw : this.#microphone;
  }

  #cameraWish(deviceId: string): MediaTrackConstraints {
    return cameraConstraints({ deviceId, quality: this.settings.quality.value, facing: this.settings.facing.value });
  }

  #microphoneWish(deviceId: string): MediaTrackConstraints {
    const { processing, music } = this.settings;
    return microphoneConstraints({ deviceId, processing: processing.value, music: music.value });
  }

  #take(kind: Kind, track: MediaStreamTrack): void {
    // Fired when the device goes away, not by our own stop().
    track.addEventListener('ended', () => {
      if (this.#signalOf(kind).value !== track) return;
      this.#drop(kind);
      this.#missing.add(kind);
      void this.follower.ended(kind, { id: deviceOf(track), label: track.label });
    });
    this.#missing.delete(kind);
    this.#signalOf(kind).value?.stop();
    this.#signalOf(kind).value = track;
    this.chosen[kind].value = deviceOf(track);
    if (kind === 'camera') this.background.of(track);
  }

  async #refreshLists(): Promise<DeviceLists> {
    this.#lists.value = await listDevices().catch(() => this.#lists.value);
    return this.#lists.value;
  }
}
