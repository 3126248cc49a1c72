/** What a person does with their own devices by one press, of a button or of a key. */
import { type LocalMedia, NONE } from './LocalMedia.ts';

async function turnOn(media: LocalMedia, kind: 'camera' | 'microphone'): Promise<void> {
  if (kind === 'microphone') media.setMuted(false);
  // "None" was chosen at the door; the button now says otherwise.
  if (media.chosen[kind].value === NONE) await media.choose(kind, '');
  else await media.start(kind);
}

export const isMuted = (media: LocalMedia): boolean => media.muted.value || !media.microphone.value;

export function toggleMute(media: LocalMedia): void {
  if (media.microphone.value) media.setMuted(!media.muted.value);
  else void turnOn(media, 'microphone');
}

export function toggleCamera(media: LocalMedia): void {
  if (media.camera.value) media.stop('camera');
  else void turnOn(media, 'camera');
}

/** On phones there is no screen to be had. */
export const canShareScreen = (): boolean => 'getDisplayMedia' in (navigator.mediaDevices ?? {});

export function toggleScreen(media: LocalMedia): void {
  if (media.screen.value) media.stopScreen();
  else if (canShareScreen()) void media.shareScreen();
}
