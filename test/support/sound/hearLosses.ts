/** What is heard of a microphone whose packets are lost on the way, compared with what would have been heard. */
import { pino } from 'pino';
import { AudioSource } from '../../../compositor/decode/AudioSource.ts';
import { SourceId } from '../../../src/contracts/ids.ts';
import { OPUS_FRAME_SAMPLES } from './encodeOpus.ts';

/** Packets are there so long before they are heard; more than the longest loss here. */
const AHEAD = 12;

/** `told`: the source is told of the losses, as ingest does it; else they are holes to it. Answers the samples, from packet 0 on. */
export async function hear(
  packets: readonly Buffer[],
  lost: (k: number) => boolean,
  told = true,
): Promise<{ sound: Float32Array; recovered: number }> {
  const source = await AudioSource.create({
    id: SourceId.parse('ptestpeer0.microphone'),
    logger: pino({ level: 'silent' }),
  });
  const sound = new Float32Array(packets.length * OPUS_FRAME_SAMPLES);
  const right = new Float32Array(OPUS_FRAME_SAMPLES);
  let lostBefore = 0;
  for (let k = 0; k < packets.length + AHEAD; k++) {
    const data = packets[k];
    if (data && lost(k)) lostBefore += 1;
    else if (data) {
      const rtp = k * OPUS_FRAME_SAMPLES;
      source.write({ source: source.id, data, rtp, playoutMs: rtp / 48, lostBefore: told ? lostBefore : 0 });
      lostBefore = 0;
    }
    const at = (k - AHEAD) * OPUS_FRAME_SAMPLES;
    if (at >= 0) source.track.read(at, sound.subarray(at, at + OPUS_FRAME_SAMPLES), right);
  }
  const { recovered } = source.stats();
  source.close();
  return { sound, recovered };
}

/**
 * How far what was heard where packets were lost is from what would have been heard without losses: signal to difference, dB. The
 * decoder's look-ahead puts a packet's sound 6.5 ms before its timestamp.
 */
export async function lossSnrDb(
  packets: readonly Buffer[],
  lost: (k: number) => boolean,
  told = true,
): Promise<number> {
  const whole = (await hear(packets, () => false)).sound;
  const { sound } = await hear(packets, lost, told);
  let signal = 0;
  let difference = 0;
  for (let k = 0; k < packets.length; k++) {
    if (!lost(k)) continue;
    const start = k * OPUS_FRAME_SAMPLES - 312;
    for (let i = Math.max(0, start); i < start + OPUS_FRAME_SAMPLES; i++) {
      signal += (whole[i] ?? 0) ** 2;
      difference += ((sound[i] ?? 0) - (whole[i] ?? 0)) ** 2;
    }
  }
  return 10 * Math.log10(signal / Math.max(1e-12, difference));
}

/** Which packets are lost: one of `n`; two in a row of `n`; each by itself with `share`. The first ten are not. */
export const oneOf = (n: number) => (k: number) => k >= 10 && k % n === n - 3;
export const twoOf = (n: number) => (k: number) => k >= 10 && k % n >= n - 3 && k % n <= n - 2;
export function randomly(share: number, random: () => number): (k: number) => boolean {
  const fates: boolean[] = [];
  return (k) => {
    while (fates.length <= k) fates.push(fates.length >= 10 && random() < share);
    return fates[k] ?? false;
  };
}
