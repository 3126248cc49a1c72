/**
 * A device that is unplugged: another one of its kind takes over, or the person is told that there is none; when it is plugged in again it is
 * used again, unless the person chose otherwise meanwhile. In: the end of a track, and `devicechange`. Out: starts (LocalMedia.ts).
 */
import { type Signal, signal } from '@preact/signals';
import type { DeviceLists } from './capture.ts';
import type { Kind } from './LocalMedia.ts';

interface Device {
  id: string;
  label: string;
}

/** What happened by itself: `label` is used now; `lost` is what it stands in for. */
export type DeviceNews =
  | { code: 'replaced'; kind: Kind; label: string; lost: string }
  | { code: 'back'; kind: Kind; label: string };

export interface FollowedMedia {
  /** What there is now. */
  lists: () => Promise<DeviceLists>;
  /** The person wants one of this kind. */
  wanted: (kind: Kind) => boolean;
  /** One of this kind is open. */
  has: (kind: Kind) => boolean;
  /** Opens a device, '' for the browser's choice, in place of the one that is open; the label of what was opened. */
  start: (kind: Kind, deviceId: string) => Promise<string | undefined>;
  /** There is no other one. */
  lost: (label: string) => void;
}

const KINDS = ['microphone', 'camera'] as const;
const LIST_OF = { camera: 'cameras', microphone: 'microphones' } as const satisfies Record<Kind, keyof DeviceLists>;

export class DeviceFollower {
  readonly news: Signal<DeviceNews | null> = signal(null);
  readonly #media: FollowedMedia;
  /** What each kind is to come back to; an empty id: whatever there is. */
  readonly #missing = new Map<Kind, Device>();
  /** Serialises changes: a device that flickers makes several within milliseconds, and each asks the browser for what there is. */
  #queue: Promise<void> = Promise.resolve();

  constructor(media: FollowedMedia) {
    this.#media = media;
  }

  /** A device went away while it was in use. */
  ended(kind: Kind, device: Device): Promise<void> {
    return this.#then(async () => {
      // The stand-in went, too: the first one is still the one to come back to.
      const first = this.#missing.get(kind);
      if (!first?.id) this.#missing.set(kind, device);
      const others = (await this.#devices(kind)).filter(({ id }) => id !== device.id);
      if (others.length > 0 && (await this.#replace(kind, device.label))) return;
      if (this.#media.wanted(kind)) this.#media.lost(device.label);
    });
  }

  /** None of this kind could be had. */
  misses(kind: Kind): void {
    if (!this.#missing.has(kind)) this.#missing.set(kind, { id: '', label: '' });
  }

  /** The person has chosen: nothing is to come back by itself. */
  forget(kind: Kind): void {
    this.#missing.delete(kind);
    if (this.news.value?.kind === kind) this.news.value = null;
  }

  /** Something was plugged in or out. */
  changed(): Promise<void> {
    return this.#then(async () => {
      const lists = await this.#media.lists();
      for (const kind of KINDS) await this.#look(kind, lists[LIST_OF[kind]]);
    });
  }

  async #look(kind: Kind, devices: readonly Device[]): Promise<void> {
    const missing = this.#missing.get(kind);
    if (!missing || !this.#media.wanted(kind)) return;
    if (missing.id !== '' && devices.some(({ id }) => id === missing.id)) {
      this.#missing.delete(kind);
      const label = await this.#media.start(kind, missing.id);
      if (label !== undefined) this.news.value = { code: 'back', kind, label };
    } else if (!this.#media.has(kind) && devices.length > 0) {
      if (missing.id === '') this.#missing.delete(kind);
      await this.#replace(kind, missing.label);
    }
  }

  async #replace(kind: Kind, lost: string): Promise<boolean> {
    if (!this.#media.wanted(kind)) return false;
    const label = await this.#media.start(kind, '');
    if (label === undefined) return false;
    this.news.value = { code: 'replaced', kind, label, lost };
    return true;
  }

  async #devices(kind: Kind): Promise<readonly Device[]> {
    return (await this.#media.lists())[LIST_OF[kind]];
  }

  #then(run: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue
      .then(run)
      .catch((error: unknown) => console.warn('a device could not be followed', error));
    return this.#queue;
  }
}
