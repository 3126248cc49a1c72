import { pino } from 'pino';
import { beforeAll, describe, expect, test } from 'vitest';
import { AudioSource } from '../../../../compositor/decode/AudioSource.ts';
import { redundantSamples } from '../../../../compositor/decode/opusRedundancy.ts';
import { microphone } from '../../../support/pipelineHarness.ts';
import { encodeOpus, OPUS_FRAME_SAMPLES, withFec } from '../../../support/sound/encodeOpus.ts';
import { hear, lossSnrDb, oneOf, randomly, twoOf } from '../../../support/sound/hearLosses.ts';
import { randomOf } from '../../../support/sound/random.ts';
import { speech } from '../../../support/sound/speech.ts';

const SECONDS = 8;
const voice = speech(SECONDS, 7).map((sample) => sample * 0.3);
let redundant: Buffer[];
let plain: Buffer[];
let music: Buffer[];
beforeAll(async () => {
  redundant = await encodeOpus(voice, 32_000, withFec(20));
  plain = await encodeOpus(voice, 32_000, { application: 'voip' });
  music = await encodeOpus(voice, 128_000, { application: 'lowdelay' });
});

const rms = (samples: Float32Array): number => Math.sqrt(samples.reduce((sum, v) => sum + v * v, 0) / samples.length);

describe('in-band FEC', () => {
  // Measured, dB: 31 instead of 7 where single packets are lost, 12 instead of 3 at 20 %, 10 instead of 3 for pairs.
  test.each([
    ['single packets', oneOf(10), 25, 15],
    ['a fifth of all', randomly(0.2, randomOf(3)), 9, 5],
    ['pairs', twoOf(10), 7, 4],
  ])(
    'of lost packets (%s) the one behind brings what is close to what was sent',
    async (_, lost, leastDb, betterDb) => {
      const recoveredDb = await lossSnrDb(redundant, lost);
      expect(recoveredDb).toBeGreaterThan(leastDb);
      expect(recoveredDb).toBeGreaterThan((await lossSnrDb(redundant, lost, false)) + betterDb);
    },
  );

  test('without redundancy the decoder’s guess is no worse than a repeated period', async () => {
    const lost = oneOf(10);
    expect(await lossSnrDb(plain, lost)).toBeGreaterThan(await lossSnrDb(plain, lost, false));
  });

  test('without a loss nothing is recovered, whatever was not sent', async () => {
    expect((await hear(redundant, () => false)).recovered).toBe(0);
    expect((await hear(redundant, oneOf(10), false)).recovered).toBe(0);
    const { recovered } = await hear(redundant, oneOf(10));
    expect(recovered).toBe(redundant.filter((_, k) => oneOf(10)(k)).length);
  });

  test('the first word after a silence: its lost beginning comes from the packet behind it', async () => {
    const k = redundant.findIndex((packet, n) => n > 40 && redundantSamples(packet) > 0);
    // 600 ms before it are not sent, and of the last packet it is told that it was lost.
    const unsent = (n: number) => n < k && n >= k - 30;
    const after = await hear(redundant, unsent);
    const end = k * OPUS_FRAME_SAMPLES - 312;
    expect(after.recovered).toBe(1);
    expect(rms(after.sound.subarray(end - OPUS_FRAME_SAMPLES, end))).toBeGreaterThan(0.001);
    expect(rms(after.sound.subarray(end - 3 * OPUS_FRAME_SAMPLES, end - 2 * OPUS_FRAME_SAMPLES))).toBe(0);
    // A packet without redundancy: what was lost for so long stays silent.
    const mute = await hear(plain, unsent);
    expect(mute.recovered).toBe(0);
    expect(rms(mute.sound.subarray(end - OPUS_FRAME_SAMPLES, end))).toBe(0);
  });

  test('a broken packet behind a loss is a hole, and the next one is heard', async () => {
    const source = await AudioSource.create({ id: microphone(0), logger: pino({ level: 'silent' }) });
    const write = (k: number, data: Buffer, lostBefore: number) =>
      source.write({ source: source.id, data, rtp: k * OPUS_FRAME_SAMPLES, playoutMs: k * 20, lostBefore });
    write(0, redundant[50]!, 0);
    write(2, Buffer.from([0xff, 0xff, 0xff]), 1);
    write(3, Buffer.alloc(0), 0);
    write(5, redundant[51]!, 1);
    // As far from the packet before as no clock goes: another stream.
    write(-50_000, redundant[52]!, 3);
    expect(source.stats()).toMatchObject({ decoded: 3, dropped: 2, recovered: 1 });
    source.close();
    source.close();
    write(6, redundant[53]!, 1);
    expect(source.stats()).toMatchObject({ decoded: 3, dropped: 2 });
  });
});

describe('redundantSamples', () => {
  test('tells packets with redundancy from others', () => {
    const share = (packets: readonly Buffer[]) =>
      packets.filter((packet) => redundantSamples(packet) > 0).length / packets.length;
    // Silence has none.
    expect(share(redundant)).toBeGreaterThan(0.4);
    expect(redundant.map(redundantSamples).filter((samples) => samples > 0 && samples !== OPUS_FRAME_SAMPLES)).toEqual(
      [],
    );
    expect(share(plain)).toBe(0);
    expect(share(music)).toBe(0);
  });

  // RFC 6716 sections 3.1, 4.2.3 and 4.2.4, by hand: configuration, stereo, code; then voice flags and the flag of redundancy.
  test.each([
    ['20 ms, one channel', [(9 << 3) | 0, 0b0100_0000], 960],
    ['20 ms, voice but no redundancy', [(9 << 3) | 0, 0b1011_1111], 0],
    ['10 ms', [(8 << 3) | 0, 0b0100_0000], 480],
    ['60 ms: three voice flags', [(11 << 3) | 0, 0b0001_0000], 2880],
    ['two channels, the second has it', [(9 << 3) | 4, 0b0001_0000], 960],
    ['hybrid', [(15 << 3) | 0, 0b0100_0000], 960],
    ['CELT', [(16 << 3) | 0, 0b0100_0000], 0],
    ['two frames', [(9 << 3) | 1, 0b0100_0000], 0],
    ['a packet of silence, without a frame', [(9 << 3) | 0], 0],
    ['nothing', [], 0],
  ])('%s', (_, bytes, samples) => {
    expect(redundantSamples(Buffer.from(bytes))).toBe(samples);
  });
});
