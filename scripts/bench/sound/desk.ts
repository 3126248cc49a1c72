/** The real sound path, offline: Opus packets → AudioSource → Mixer, as fast as it goes. */
import type { Mixer, MixerSource } from '../../../compositor/compose/Mixer.ts';
import { AudioSource } from '../../../compositor/decode/AudioSource.ts';
import { createLogger } from '../../../src/common/logger.ts';
import { AAC_FRAME_SAMPLES } from '../../../src/contracts/grid.ts';
import { OPUS_FRAME_SAMPLES } from '../../../test/support/sound/encodeOpus.ts';
import type { Stereo } from '../../../test/support/sound/loudness.ts';

const PLAYOUT_DELAY_MS = 100;
/** Packets are decoded this long before they are heard, ms. */
const LEAD_MS = 60;

export interface Take extends Stereo {
  /** Time spent in the decoder and in the mixer, ms. */
  decodeMs: number;
  mixMs: number;
}

/** Plays all streams at once through one mixer, and answers what comes out, from program time 0. */
export async function play(streams: readonly Buffer[][], mixer: Mixer, seconds: number): Promise<Take> {
  const logger = createLogger({ level: 'silent' });
  const sources = await Promise.all(streams.map((_, i) => AudioSource.create({ id: `p${i}.microphone`, logger })));
  mixer.setSources(new Map(sources.map(({ id, track }) => [id, { track, gain: 1 }] satisfies [string, MixerSource])));
  const frames = Math.floor((seconds * 48_000) / AAC_FRAME_SAMPLES);
  const take: Take = {
    left: new Float32Array(frames * AAC_FRAME_SAMPLES),
    right: new Float32Array(frames * AAC_FRAME_SAMPLES),
    decodeMs: 0,
    mixMs: 0,
  };
  let packet = 0;
  for (let frame = 0; frame < frames; frame++) {
    const untilMs = ((frame + 1) * AAC_FRAME_SAMPLES) / 48 + LEAD_MS;
    const startedAt = performance.now();
    for (; packet * 20 + PLAYOUT_DELAY_MS < untilMs; packet++) {
      for (const [i, source] of sources.entries()) {
        const data = streams[i]?.[packet];
        const playoutMs = packet * 20 + PLAYOUT_DELAY_MS;
        if (data) source.write({ source: source.id, data, rtp: packet * OPUS_FRAME_SAMPLES, playoutMs, lostBefore: 0 });
      }
    }
    const decodedAt = performance.now();
    const { left, right } = mixer.mix(frame);
    take.mixMs += performance.now() - decodedAt;
    take.decodeMs += decodedAt - startedAt;
    take.left.set(left, frame * AAC_FRAME_SAMPLES);
    take.right.set(right, frame * AAC_FRAME_SAMPLES);
  }
  for (const source of sources) source.close();
  return take;
}
