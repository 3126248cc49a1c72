/** What a network can carry of what is to be sent. Pure arithmetic. */
import { cameraLayers } from '../../media/encodings.ts';

/** A microphone with its packets' headers, bits a second. */
const SOUND_BPS = 64_000;
/** Of what a test found, this much is to be counted on: other things in the house want some, too. */
const USABLE = 0.8;

/**
 * The height of the largest simulcast layer that arrives when a picture of `asked` lines is captured and `uploadBps` can be sent; 0: not even
 * the smallest one does. libwebrtc fills the layers from the smallest up.
 */
export function sentHeight(asked: number, uploadBps: number): number {
  let left = uploadBps * USABLE - SOUND_BPS;
  let height = 0;
  for (const layer of cameraLayers(Math.round((asked * 16) / 9), asked)) {
    left -= layer.maxBitrate;
    if (left < 0) break;
    height = Math.round(asked / layer.scaleResolutionDownBy);
  }
  return height;
}
