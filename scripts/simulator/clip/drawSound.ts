/** The sound of a clip: clip number → 10 s of mono 48 kHz samples with a beep at each flash. */
import { BEEP_MS, beepHz, CLIP_FRAMES, EVENT_PERIOD_FRAMES, FPS, firstEventFrame } from './frameCode.ts';

export const SAMPLE_RATE = 48_000;
const CLIP_SAMPLES = (CLIP_FRAMES / FPS) * SAMPLE_RATE;
/**
 * A sample goes into libopus this much before it comes out of a decoder (its pre-skip at 48 kHz, RFC 7845 section 4.2). WebRTC knows
 * no pre-skip, so the beep is drawn that much early, and then leaves the decoder at the flash's own time.
 */
export const OPUS_DELAY_SAMPLES = 312;
/** Six beeps at once stay below full scale. */
const AMPLITUDE = 0.15;
/** Rise and fall, so that a beep does not click over the whole spectrum. Its onset is the middle of the rise. */
const RAMP_MS = 2;
/** A room is never quite silent: −70 dBFS of noise. */
const NOISE = 0.0003;

export function drawSound(clip: number): Float32Array {
  const samples = new Float32Array(CLIP_SAMPLES);
  for (let i = 0; i < CLIP_SAMPLES; i++) samples[i] = (Math.random() * 2 - 1) * NOISE;
  const length = (BEEP_MS / 1000) * SAMPLE_RATE;
  const ramp = (RAMP_MS / 1000) * SAMPLE_RATE;
  const omega = (2 * Math.PI * beepHz(clip)) / SAMPLE_RATE;
  for (let frame = firstEventFrame(clip); frame < CLIP_FRAMES; frame += EVENT_PERIOD_FRAMES) {
    const onset = (frame * SAMPLE_RATE) / FPS - OPUS_DELAY_SAMPLES;
    const start = onset - ramp / 2;
    for (let i = 0; i < length + ramp; i++) {
      const gain = Math.min(1, i / ramp, (length + ramp - i) / ramp);
      const index = start + i;
      samples[index] = (samples[index] ?? 0) + AMPLITUDE * gain * Math.sin(omega * i);
    }
  }
  return samples;
}
