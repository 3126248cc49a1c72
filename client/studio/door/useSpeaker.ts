import { useSignalEffect } from '@preact/signals';
import type { RefObject } from 'preact';
import type { LocalMedia } from '../media/LocalMedia.ts';

/** Lets a player's sound come out of the loudspeaker that was chosen, wherever the browser can. */
export function useSpeaker(player: RefObject<HTMLMediaElement | null>, media: LocalMedia): void {
  useSignalEffect(() => {
    const id = media.speaker.value;
    const element = player.current;
    if (!element || !('setSinkId' in element) || element.sinkId === id) return;
    // One that went away just now: `devicechange` follows, and with it the system's own.
    element.setSinkId(id).catch(() => undefined);
  });
}
