import { describe, expect, test } from 'vitest';
import { Mixer } from '../../../../compositor/compose/Mixer.ts';
import { MixMinus } from '../../../../compositor/compose/MixMinus.ts';
import { OpusDecoder } from '../../../../compositor/decode/OpusDecoder.ts';
import { PcmTrack } from '../../../../compositor/decode/PcmTrack.ts';
import { OPUS_FRAME_SAMPLES, OpusMix } from '../../../../compositor/return/OpusMix.ts';
import { levels } from '../../../support/sound/tone.ts';

const FRAME = 1024;
const SECOND = 48_000;
const tone = (hz: number, amplitude: number) =>
  Float32Array.from({ length: SECOND }, (_, n) => amplitude * Math.sin((2 * Math.PI * hz * n) / SECOND));

function trackOf(samples: Float32Array): PcmTrack {
  const track = new PcmTrack();
  track.write({ left: samples, right: samples }, 0, 0);
  return track;
}

/** The program and what each listener hears, over most of a second. */
function play(sources: Record<string, { samples: Float32Array; gain?: number }>, listeners: string[], from = 0) {
  const heard = new Map(listeners.map((peer) => [peer, new Float32Array(SECOND)]));
  const mixes = new Map<string, MixMinus>();
  const mixer = new Mixer(mixes);
  const channels = Object.entries(sources).map(
    ([id, { samples, gain = 1 }]) => [id, { track: trackOf(samples), gain }] as const,
  );
  mixer.setSources(new Map(channels));
  const program = new Float32Array(SECOND);
  for (let frame = 0; frame < 40; frame++) {
    if (frame === from)
      for (const [peer, samples] of heard)
        mixes.set(
          peer,
          new MixMinus((at, { left }) => samples.set(at < 0 ? left.subarray(-at) : left, Math.max(0, at))),
        );
    program.set(mixer.mix(frame).left, frame * FRAME);
  }
  return { program, heard, mixes, mixer };
}

/** Amplitude of a tone in the middle of what was played. */
const level = (samples: Float32Array | undefined, hz: number): number => {
  const all = levels((samples ?? new Float32Array(SECOND)).subarray(15_000, 35_000), hz);
  return all.reduce((sum, v) => sum + v, 0) / all.length;
};

describe('MixMinus', () => {
  const sources = {
    'paaaaaaaa.microphone': { samples: tone(400, 0.2) },
    'paaaaaaaa.screen-audio': { samples: tone(700, 0.2) },
    'pbbbbbbbb.microphone': { samples: tone(1000, 0.2), gain: 0.5 },
  };

  test('each hears all but their own sources, as loud as in the program and at the same sample', () => {
    const { program, heard } = play(sources, ['paaaaaaaa', 'pbbbbbbbb', 'pcccccccc']);
    const [a, b, c] = ['paaaaaaaa', 'pbbbbbbbb', 'pcccccccc'].map((peer) => heard.get(peer));
    expect([400, 700, 1000].map((hz) => level(program, hz))).toEqual([0.2, 0.2, 0.1].map((v) => expect.closeTo(v, 3)));
    expect([400, 700, 1000].map((hz) => level(a, hz))).toEqual([0, 0, 0.1].map((v) => expect.closeTo(v, 3)));
    expect([400, 700, 1000].map((hz) => level(b, hz))).toEqual([0.2, 0.2, 0].map((v) => expect.closeTo(v, 3)));
    // Who sends nothing hears the program itself.
    for (let n = 5_000; n < 38_000; n++) expect(Math.abs((c?.[n] ?? 0) - (program[n] ?? 0))).toBeLessThan(1e-6);
  });

  test('the limiter works on what is left: who is alone loud in the program does not press down what they hear', () => {
    const loud = {
      'paaaaaaaa.microphone': { samples: tone(400, 3) },
      'pbbbbbbbb.microphone': { samples: tone(1000, 0.2) },
    };
    const { program, heard } = play(loud, ['paaaaaaaa', 'pbbbbbbbb']);
    expect(level(program, 1000)).toBeLessThan(0.1);
    expect(level(heard.get('paaaaaaaa'), 1000)).toBeCloseTo(0.2, 3);
    const peak = (heard.get('pbbbbbbbb') ?? new Float32Array()).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    expect(peak).toBeGreaterThan(0.8);
    expect(peak).toBeLessThan(0.9);
  });

  test('a source that goes fades out for its owner, too: nothing of it is ever heard', () => {
    const samples = new Float32Array(SECOND);
    const mixes = new Map([
      ['paaaaaaaa', new MixMinus((at, { left }) => samples.set(left.subarray(at < 0 ? -at : 0), Math.max(0, at)))],
    ]);
    const mixer = new Mixer(mixes);
    mixer.setSources(new Map([['paaaaaaaa.microphone', { track: trackOf(tone(400, 0.3)), gain: 1 }]]));
    for (let frame = 0; frame < 20; frame++) mixer.mix(frame);
    mixer.setSources(new Map());
    for (let frame = 20; frame < 40; frame++) mixer.mix(frame);
    expect(samples.reduce((most, v) => Math.max(most, Math.abs(v)), 0)).toBeLessThan(1e-6);
  });

  test('who begins to listen later hears the same from then on; the program is the same to the bit with and without', () => {
    const late = play(sources, ['pbbbbbbbb'], 10);
    const without = play(sources, []);
    expect(late.program).toEqual(without.program);
    expect(level(late.heard.get('pbbbbbbbb'), 400)).toBeCloseTo(0.2, 3);
  });
});

describe('OpusMix', () => {
  test('makes packets of 20 ms on the program’s samples, whatever blocks they come in, and decodes to the same sound', async () => {
    const packets: { data: Buffer; sample: number }[] = [];
    const mix = await OpusMix.create((data, sample) => packets.push({ data: Buffer.from(data), sample }));
    const sound = tone(440, 0.3);
    const begin = 5 * FRAME;
    for (let at = begin; at + FRAME <= SECOND; at += FRAME) {
      const block = sound.subarray(at, at + FRAME);
      mix.write(at, { left: block, right: block });
    }
    mix.close();
    mix.write(0, { left: sound, right: sound });
    const steps = packets.map(({ sample }, i) => sample - (packets[0]?.sample ?? 0) - i * OPUS_FRAME_SAMPLES);
    expect(new Set(steps)).toEqual(new Set([0]));
    expect(packets).toHaveLength(Math.floor((Math.floor(SECOND / FRAME) * FRAME - 5_760) / OPUS_FRAME_SAMPLES));
    const decoder = await OpusDecoder.create();
    const out = new Float32Array(SECOND);
    for (const { data, sample } of packets) out.set(decoder.decode(data).left, sample);
    decoder.close();
    expect(level(out, 440)).toBeCloseTo(0.3, 1);
    // Labelled by what is heard: the decoded sound lies upon the one that was given.
    let difference = 0;
    for (let n = 20_000; n < 30_000; n++) difference = Math.max(difference, Math.abs((out[n] ?? 0) - (sound[n] ?? 0)));
    expect(difference).toBeLessThan(0.05);
  });

  test('after a hole it begins anew with a whole frame', async () => {
    const samples: number[] = [];
    const mix = await OpusMix.create((_, sample) => samples.push(sample));
    const block = { left: new Float32Array(FRAME), right: new Float32Array(FRAME) };
    mix.write(9_600, block);
    mix.write(100_000, block);
    mix.write(100_000 + FRAME, block);
    mix.close();
    const delay = 9_600 - (samples[0] ?? 0);
    expect(samples.map((sample) => sample + delay)).toEqual([9_600, 100_800]);
  });
});
