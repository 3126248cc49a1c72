import type { types as mediasoup } from 'mediasoup';

export interface Size {
  width: number;
  height: number;
}

/** What a camera is asked for when the client does not say what it sends. */
export const ASSUMED_SIZE: Size = { width: 1280, height: 720 };

/** A layer may be this much smaller than the place where it is shown: the step to the next one costs three times the bits. */
const UPSCALE_TOLERANCE = 0.8;

/** `L3T3_KEY`: spatial layers, temporal layers; `h`: each layer is 1.5 and not 2 times the one below (W3C WebRTC-SVC, section 6). */
const SCALABILITY_MODE = /^[LS](\d)T\d(h)?/;

/**
 * How much smaller than the source each spatial layer is, lowest first: simulcast in the order of `encodings` (a browser's
 * default is 4, 2, 1), or the layers inside one encoding, by its scalability mode.
 */
export function layerScales(encodings: readonly object[]): number[] {
  const [only] = encodings as { scalabilityMode?: string }[];
  const svc = encodings.length === 1 ? SCALABILITY_MODE.exec(only?.scalabilityMode ?? '') : null;
  if (svc) {
    const layers = Number(svc[1]);
    return Array.from({ length: layers }, (_, i) => (svc[2] ? 1.5 : 2) ** (layers - 1 - i));
  }
  return encodings.map((encoding, i) => {
    const given = (encoding as { scaleResolutionDownBy?: number }).scaleResolutionDownBy;
    return given ?? 2 ** (encodings.length - 1 - i);
  });
}

/**
 * The lowest spatial layer that fills `shown` (as `object-fit: cover` does), in the order of `encodings`. `source` is the
 * size of the highest layer.
 */
export function layerFor(shown: Size, encodings: readonly object[], source: Size = ASSUMED_SIZE): number {
  const needed = Math.max(shown.width / source.width, shown.height / source.height) * UPSCALE_TOLERANCE;
  const scales = layerScales(encodings);
  const fits = scales.findIndex((scale) => 1 / scale >= needed);
  return fits === -1 ? scales.length - 1 : fits;
}

/** `layerFor` for a mediasoup producer; null when it has one layer only. */
export function layerForProducer(shown: Size, producer: mediasoup.Producer): number | null {
  const encodings = producer.rtpParameters.encodings ?? [];
  if (layerScales(encodings).length < 2) return null;
  return layerFor(shown, encodings, (producer.appData as { size?: Size }).size ?? ASSUMED_SIZE);
}
