import { describe, expect, test } from 'vitest';
import { gainOf } from '../../../../compositor/compose/levels.ts';
import { Mixer } from '../../../../compositor/compose/Mixer.ts';
import { MusicBed } from '../../../../compositor/compose/MusicBed.ts';
import { PcmTrack } from '../../../../compositor/decode/PcmTrack.ts';
import { atLoudness, ebur128 } from '../../../support/sound/loudness.ts';
import { randomOf } from '../../../support/sound/random.ts';
import { speech } from '../../../support/sound/speech.ts';
import { levels } from '../../../support/sound/tone.ts';

const FRAME = 1024;
const BLOCK = 960;

/** A track of one second that has `value(n)` at program sample n. */
function trackOf(value: (n: number) => number): PcmTrack {
  const track = new PcmTrack();
  const left = Float32Array.from({ length: 48_000 }, (_, n) => value(n));
  track.write({ left, right: left.map((v) => -v) }, 0, 0);
  return track;
}
const peak = (samples: Float32Array): number => samples.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** What comes out while each source sends its sound, in packets of 20 ms that come 60 ms before they are heard. */
function play(mixer: Mixer, sounds: readonly Float32Array[], seconds: number, carriedGainDb?: number) {
  const tracks = sounds.map(() => new PcmTrack());
  mixer.setSources(new Map(tracks.map((track, i) => [`p${i}.microphone`, { track, gain: 1, carriedGainDb }] as const)));
  const frames = Math.floor((seconds * 48_000) / FRAME);
  const left = new Float32Array(frames * FRAME);
  const right = new Float32Array(frames * FRAME);
  let sent = 0;
  for (let frame = 0; frame < frames; frame++) {
    for (; sent < (frame + 1) * FRAME + 3 * BLOCK; sent += BLOCK) {
      for (const [i, track] of tracks.entries()) {
        const block = sounds[i]!.subarray(sent, sent + BLOCK);
        if (block.length === BLOCK) track.write({ left: block, right: block }, sent, sent / 48);
      }
    }
    const mixed = mixer.mix(frame);
    left.set(mixed.left, frame * FRAME);
    right.set(mixed.right, frame * FRAME);
  }
  return { left, right };
}

function automatic(targetLufs = -16): Mixer {
  const mixer = new Mixer();
  mixer.setLoudness({ automatic: true, targetLufs });
  return mixer;
}

const tail = ({ left, right }: { left: Float32Array; right: Float32Array }, seconds: number) => ({
  left: left.subarray(seconds * 48_000),
  right: right.subarray(seconds * 48_000),
});

/** Minutes of sound are mixed and measured: seconds of work, and on a busy machine many. */
const SOUND_MS = 60_000;

describe('Mixer', { timeout: SOUND_MS }, () => {
  test('sums, keeps the channels apart, and gives each sample at its own time', () => {
    const mixer = new Mixer();
    const ramp = (n: number) => 0.4 * Math.sin(n / 50);
    mixer.setSources(
      new Map([
        ['pa.microphone', { track: trackOf(() => 0.25), gain: 1 }],
        ['pb.microphone', { track: trackOf(ramp), gain: gainOf(-6) }],
      ]),
    );
    mixer.mix(0);
    for (const frame of [1, 2, 9]) {
      const { left, right } = mixer.mix(frame);
      // The limiter's look-ahead must not be seen: not in a frame that follows, and not in one that does not.
      for (const i of [600, 1023]) {
        const expected = 0.25 + ramp(frame * FRAME + i) * gainOf(-6);
        expect(left[i]).toBeCloseTo(expected, 5);
        expect(right[i]).toBeCloseTo(-expected, 5);
      }
    }
  });

  test('a change of gain, and a source that goes, take one block and make no step', () => {
    const mixer = new Mixer();
    const track = trackOf(() => 0.5);
    mixer.setSources(new Map([['pa.microphone', { track, gain: 1 }]]));
    const out = [0, 1].flatMap((frame) => [...mixer.mix(frame).left]);
    mixer.setSources(new Map([['pa.microphone', { track, gain: 0.25 }]]));
    out.push(...mixer.mix(2).left, ...mixer.mix(3).left);
    mixer.setSources(new Map());
    out.push(...mixer.mix(4).left, ...mixer.mix(5).left, ...mixer.mix(6).left);
    expect(out[2 * FRAME]).toBeCloseTo(0.5, 5);
    expect(out[4 * FRAME - 1]).toBeCloseTo(0.125, 5);
    expect(out.at(-1)).toBe(0);
    const steps = out.slice(FRAME).map((v, i, all) => Math.abs(v - (all[i - 1] ?? v)));
    expect(Math.max(...steps)).toBeLessThan(0.5 / FRAME + 1e-6);
  });

  test.each([-35, -20, -5])(
    'speech at %i LUFS comes out near −16 LUFS',
    (lufs) => {
      const out = play(automatic(), [atLoudness(speech(20, 5), lufs)], 20);
      expect(Math.abs(ebur128(tail(out, 8), false).lufs + 16)).toBeLessThanOrEqual(1);
    },
    30_000,
  );

  test('automatic gain that is off changes nothing; another target is another loudness', () => {
    const voice = atLoudness(speech(14, 6), -28);
    const off = new Mixer();
    off.setLoudness({ automatic: false, targetLufs: -16 });
    expect(ebur128(play(off, [voice], 14)).lufs).toBeCloseTo(-28, 0);
    expect(off.gainsDb()).toEqual({ 'p0.microphone': 0 });
    expect(Math.abs(ebur128(tail(play(automatic(-23), [voice], 14), 7)).lufs + 23)).toBeLessThanOrEqual(1.2);
  });

  test('noise is not brought up, neither its beginning nor its end, nor in the pauses of speech', () => {
    const random = randomOf(2);
    const noise = Float32Array.from({ length: 20 * 48_000 }, (_, n) =>
      n > 3 * 48_000 && n < 14 * 48_000 ? 0.03 * (random() - 0.5) : 0,
    );
    const mixer = automatic();
    play(mixer, [noise], 20);
    expect(mixer.gainsDb()['p0.microphone']).toBe(0);
    const voice = new Float32Array(16 * 48_000);
    voice.set(atLoudness(speech(8, 6), -25));
    const room = voice.map((v) => v + 0.002 * (random() - 0.5));
    const gainAfter = (seconds: number) => {
      const speaker = automatic();
      play(speaker, [room], seconds);
      return speaker.gainsDb()['p0.microphone']!;
    };
    const spoken = gainAfter(8);
    expect(spoken).toBeGreaterThan(6);
    expect(Math.abs(gainAfter(16) - spoken)).toBeLessThan(1);
  });

  test('a successor goes on with the gain that it was given', () => {
    const voice = atLoudness(speech(12, 6), -30);
    const first = automatic();
    play(first, [voice], 12);
    const gain = first.gainsDb()['p0.microphone']!;
    expect(Math.abs(gain - 14)).toBeLessThan(2);
    const second = automatic();
    const out = play(second, [voice], 3, gain);
    expect(Math.abs(second.gainsDb()['p0.microphone']! - gain)).toBeLessThan(1.5);
    expect(Math.abs(ebur128(out).lufs + 16)).toBeLessThan(3);
  });

  test('sixteen people who shout stay at −1 dBTP, from the first moment on', () => {
    const shouting = Array.from({ length: 16 }, (_, i) => speech(4, 50 + i).map((v) => Math.tanh(6 * v)));
    const out = play(automatic(), shouting, 4);
    expect(ebur128(out).truePeakDbtp).toBeLessThanOrEqual(-1);
    expect(peak(out.left)).toBeLessThanOrEqual(gainOf(-1));
    // It is the sound of many, not of a limiter that has shut.
    expect(ebur128(out).lufs).toBeGreaterThan(-14);
  });

  test('music goes down by 12 dB within 300 ms while somebody speaks, and comes back', () => {
    const MUSIC_HZ = 9000;
    const chunk = new Int16Array(2 * 48_000);
    for (let n = 0; n < 48_000; n++) {
      chunk[2 * n] = chunk[2 * n + 1] = 8000 * Math.sin((2 * Math.PI * MUSIC_HZ * n) / 48_000);
    }
    const mixer = automatic();
    mixer.setMusic({ bed: new MusicBed([chunk]), volumeDb: -14, duckDb: 12 });
    const voice = new Float32Array(11 * 48_000);
    voice.set(atLoudness(speech(5, 7), -20), 2 * 48_000);
    const db = levels(play(mixer, [voice], 11).left, MUSIC_HZ).map((level) => 20 * Math.log10(level));
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
    const before = median(db.slice(100, 200));
    expect(before - median(db.slice(230, 680))).toBeGreaterThan(10);
    expect(before - median(db.slice(230, 680))).toBeLessThan(14);
    expect(before - median(db.slice(228, 232))).toBeGreaterThan(10);
    expect(before - median(db.slice(950, 1090))).toBeLessThan(0.5);
    mixer.setMusic(null);
    expect(peak(play(mixer, [new Float32Array(48_000)], 1).left.subarray(30_000))).toBe(0);
  });
});
