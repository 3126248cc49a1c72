/** Which simulcast layers a capture is sent in. Pure arithmetic. */

export interface Layer {
  scaleResolutionDownBy: number;
  /** Bits a second, the most that this layer may take. */
  maxBitrate: number;
  scalabilityMode: 'L1T1' | 'L1T2';
}

/** Longest side in pixels from which a capture is worth three, and two, layers. Below, the smallest would be a blur. */
const THREE_LAYERS_FROM = 960;
const TWO_LAYERS_FROM = 480;

/** Bits for one pixel of one second: 1.5 Mbit/s at 1280x720, what libwebrtc itself gives VP8 there. */
const BITS_PER_PIXEL = 1.63;
/** Small pictures need more bits for a pixel: the smallest layer's floor, bits a second. */
const LOWEST_BITRATE = 150_000;
/** Above this a seat costs more upload than most people have, bits a second. */
const HIGHEST_BITRATE = 3_000_000;

/** A layer's bitrate grows a little slower than its area: half the side takes a third of the bits. */
function bitrateOf(width: number, height: number): number {
  const full = width * height * BITS_PER_PIXEL;
  const small = 1 + Math.max(0, Math.log2((1280 * 720) / (width * height))) * 0.15;
  return Math.round(Math.min(HIGHEST_BITRATE, Math.max(LOWEST_BITRATE, full * small)) / 10_000) * 10_000;
}

/**
 * Layers for a camera of this size, the smallest first, as mediasoup wants them. Each has two temporal layers, of which the SFU always forwards
 * both, for the TL0PICIDX that comes with them (RFC 7741, section 4.2): mediasoup writes picture ids anew only where there is one. Without,
 * two layers may count their pictures alike (libwebrtc draws both first ids from one random seed, the time in µs), and a browser takes
 * the key frame of the layer that it is switched to for one that it has: it goes on with the other layer's picture.
 */
export function cameraLayers(width: number, height: number): Layer[] {
  const side = Math.max(width, height);
  const scales = side >= THREE_LAYERS_FROM ? [4, 2, 1] : side >= TWO_LAYERS_FROM ? [2, 1] : [1];
  return scales.map((scale) => ({
    scaleResolutionDownBy: scale,
    maxBitrate: bitrateOf(width / scale, height / scale),
    scalabilityMode: 'L1T2',
  }));
}

/** A screen is sent once: its text would be unreadable in a smaller layer. */
export function screenLayers(): Layer[] {
  return [{ scaleResolutionDownBy: 1, maxBitrate: 2_500_000, scalabilityMode: 'L1T1' }];
}
