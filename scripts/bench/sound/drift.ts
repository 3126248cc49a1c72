/**
 * Ten minutes of a sender whose clock is off, through the real RtpTimeline, PcmTrack and Mixer: a steady tone, whose purity is
 * measured, and pulses, whose time is compared with that of the pictures of the same moments. No codec: Opus leaves more of a tone
 * than is to be measured.
 */
import { Mixer } from '../../../compositor/compose/Mixer.ts';
import { PcmTrack } from '../../../compositor/decode/PcmTrack.ts';
import { SenderClock } from '../../../test/support/sound/SenderClock.ts';
import { residualDb } from '../../../test/support/sound/tone.ts';

const TONE_HZ = 1000;
const BLOCK = 960;
/** Program frames a second, and ticks of a video clock to a picture. */
const FPS = 30;
const PICTURE_TICKS = 3000;
const PLAYOUT_DELAY_MS = 100;
/** The rate has this long to settle before purity counts. */
export const SETTLE_SECONDS = 30;
/** Packets are there this long before they are heard, samples. */
const LEAD_SAMPLES = 60 * 48;
/** A pulse: half a period of 500 Hz. */
const PULSE_SAMPLES = 48;

export interface Drift {
  residualDb: number;
  avOffsetMs: number;
  /** Per frame of one source that is resampled, µs. */
  frameUs: number;
}

export function drift(ppm: number, seconds: number): Drift {
  const tone = listen(ppm, seconds, (n) => 0.1 * Math.sin((2 * Math.PI * TONE_HZ * n) / 48_000));
  let residual = Number.NEGATIVE_INFINITY;
  for (let second = SETTLE_SECONDS; second + 2 < seconds; second++) {
    const window = tone.samples.subarray(second * 48_000, (second + 1) * 48_000);
    residual = Math.max(residual, residualDb(window, TONE_HZ / (1 + ppm * 1e-6)));
  }
  const pulses = listen(ppm, seconds, (n) =>
    n % 48_000 < PULSE_SAMPLES ? 0.5 * Math.sin((Math.PI * (n % 48_000)) / PULSE_SAMPLES) : 0,
  );
  return { residualDb: residual, avOffsetMs: avOffset(ppm, pulses.samples, seconds), frameUs: tone.frameUs };
}

/** The program's left channel while one source sends `value(n)` as its sample n. */
function listen(
  ppm: number,
  seconds: number,
  value: (n: number) => number,
): { samples: Float32Array; frameUs: number } {
  const clock = new SenderClock({ clockRate: 48_000, ppm, playoutDelayMs: PLAYOUT_DELAY_MS, seed: 3 });
  const track = new PcmTrack();
  const mixer = new Mixer();
  mixer.setLoudness({ automatic: true, targetLufs: -16 });
  mixer.setSources(new Map([['p.microphone', { track, gain: 1 }]]));
  const frames = Math.floor((seconds * 48_000) / 1024);
  const samples = new Float32Array(frames * 1024);
  let mixMs = 0;
  let sent = 0;
  for (let frame = 0; frame < frames; frame++) {
    const untilMs = ((frame + 1) * 1024 + LEAD_SAMPLES) / 48 - PLAYOUT_DELAY_MS;
    for (; clock.capturedMs(sent) < untilMs; sent += BLOCK) {
      const { rtp, playoutMs } = clock.packet(sent, BLOCK);
      const first = sent;
      const left = Float32Array.from({ length: BLOCK }, (_, k) => value(first + k));
      track.write({ left, right: left }, rtp, playoutMs);
    }
    const startedAt = performance.now();
    samples.set(mixer.mix(frame).left, frame * 1024);
    mixMs += performance.now() - startedAt;
  }
  return { samples, frameUs: (mixMs * 1000) / frames };
}

/** The largest distance between a pulse and the program frame that shows the picture of its time, ms. */
function avOffset(ppm: number, samples: Float32Array, seconds: number): number {
  const clock = new SenderClock({ clockRate: 90_000, ppm, playoutDelayMs: PLAYOUT_DELAY_MS, seed: 4 });
  let worst = 0;
  for (let picture = 0; picture < (seconds - 2) * FPS; picture++) {
    const { playoutMs } = clock.packet(picture * PICTURE_TICKS, PICTURE_TICKS);
    if (picture % FPS !== 0 || picture < FPS) continue;
    // As VideoSource.show: the first frame that is no more than half a frame early.
    const shownMs = (Math.ceil((playoutMs * FPS) / 1000 - 0.5) * 1000) / FPS;
    worst = Math.max(worst, Math.abs(pulseMs(samples, playoutMs) - shownMs));
  }
  return worst;
}

/** When the pulse near `aboutMs` is heard: its middle, less half its length. */
function pulseMs(samples: Float32Array, aboutMs: number): number {
  const start = Math.round((aboutMs - 250) * 48);
  const window = samples.subarray(start, start + 500 * 48);
  let weight = 0;
  let moment = 0;
  for (const [i, sample] of window.entries()) {
    weight += sample ** 2;
    moment += i * sample ** 2;
  }
  return weight < 1 ? Number.POSITIVE_INFINITY : (start + moment / weight - PULSE_SAMPLES / 2) / 48;
}
