import { describe, expect, test } from 'vitest';
import { Cadence } from '../../../../compositor/decode/Cadence.ts';

const PERIOD_MS = 1000 / 30;

/** Repeatable noise, 0 to 1 (mulberry32). */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Source {
  fps?: number;
  seconds?: number;
  /** Of picture `n`, captured at `ms` of the source's clock: when it should be seen. */
  playoutMs?: (ms: number, n: number) => number;
  /** What the source calls its capture times. */
  labelMs?: (ms: number, n: number) => number;
  /** Frames by which picture `n` comes too late; 0: in time. */
  lateFrames?: (n: number) => number;
  periodMs?: number;
}

interface Show {
  /** The picture in each frame of the program. */
  pictures: number[];
  /** Steps from frame to frame. */
  steps: number[];
  /** Frames in which the step is not 1, and what it is. */
  odd: Record<number, number>;
  /** Frame's time minus the picture's, ms: above 0 the picture is late. */
  lateMs: number[];
  cadence: Cadence;
}

/** Shows a source as VideoSource.ts does: in each frame the newest picture whose turn it is. */
function show(source: Source): Show {
  const { fps = 30, seconds = 10, periodMs = PERIOD_MS, lateFrames = () => 0 } = source;
  const cadence = new Cadence(periodMs);
  const count = Math.round(fps * seconds);
  const queue = Array.from({ length: count }, (_, n) => {
    const ms = 1000 + (n * 1000) / fps;
    const playoutMs = source.playoutMs?.(ms, n) ?? ms;
    const here = Math.ceil(playoutMs / periodMs) - 3 + lateFrames(n);
    return { n, captureMs: source.labelMs?.(ms, n) ?? ms, playoutMs, here, frame: null as number | null };
  });
  const shown: { n: number; lateMs: number }[] = [];
  let current: { n: number; playoutMs: number } | null = null;
  const last = Math.floor((queue.at(-1)?.playoutMs ?? 0) / periodMs) - 2;
  for (let now = 0; now <= last; now++) {
    while (queue[0] && queue[0].here <= now) {
      queue[0].frame ??= cadence.frameOf(queue[0], now);
      if (queue[0].frame > now) break;
      current = queue.shift() ?? null;
    }
    if (current) shown.push({ n: current.n, lateMs: now * periodMs - current.playoutMs });
  }
  const pictures = shown.map(({ n }) => n);
  const steps = pictures.slice(1).map((n, i) => n - (pictures[i] ?? 0));
  const odd = Object.fromEntries(steps.flatMap((step, i) => (step === 1 ? [] : [[i, step]])));
  return { pictures, steps, odd, lateMs: shown.map(({ lateMs }) => lateMs), cadence };
}

describe('a camera of the program’s rate', () => {
  test('each picture once, wherever it lies between two frames, although its mapping trembles', () => {
    for (let phase = 0; phase < 34; phase++) {
      const random = noise(phase);
      const { odd, lateMs } = show({ playoutMs: (ms) => ms + phase + 8 * random() - 4 });
      expect(odd, `${phase} ms`).toEqual({});
      expect(Math.max(...lateMs.map(Math.abs))).toBeLessThan(35);
    }
  });

  test('the mapping wanders by 8 ms to both sides and back, again and again: it moves to where nothing is seen of that', () => {
    for (let phase = 0; phase < 34; phase++) {
      const { odd } = show({ seconds: 60, playoutMs: (ms) => ms + phase + 8 * Math.sin(ms / 2000) });
      expect(Object.keys(odd).length, `${phase} ms`).toBeLessThanOrEqual(1);
    }
  });

  test('a mapping that becomes 12 ms earlier by its first sender reports', () => {
    for (let phase = 0; phase < 34; phase++) {
      const { odd } = show({ playoutMs: (ms) => ms + phase - Math.min(12, (ms - 1000) / 200) });
      expect(odd, `${phase} ms`).toEqual({});
    }
  });

  test('capture times in whole milliseconds, and cameras that tremble', () => {
    const random = noise(7);
    const trembling = (ms: number) => Math.round(ms + 5 * random() - 2.5);
    expect(show({ labelMs: Math.round, playoutMs: Math.round }).odd).toEqual({});
    expect(show({ labelMs: trembling, playoutMs: (ms) => ms + 5 * random() }).odd).toEqual({});
  });

  test.each([300, -300])(
    'drift of %i ppm: exactly one picture twice or never for each frame that is gained or lost',
    (ppm) => {
      const seconds = 600;
      for (const phase of [0, 11, 22]) {
        const random = noise(phase);
        const { odd, lateMs } = show({ seconds, playoutMs: (ms) => ms * (1 + ppm / 1e6) + phase + 4 * random() - 2 });
        const steps = Object.values(odd);
        const gained = (seconds * ppm) / 1e3 / PERIOD_MS;
        expect(steps.every((step) => step === (ppm > 0 ? 0 : 2))).toBe(true);
        expect(Math.abs(steps.length - Math.abs(gained))).toBeLessThan(1);
        const at = Object.keys(odd).map(Number);
        const apart = at.slice(1).map((frame, i) => frame - (at[i] ?? 0));
        expect(Math.min(...apart)).toBeGreaterThan(0.8 * (1e6 / 300));
        expect(Math.max(...lateMs)).toBeLessThan(36);
        expect(Math.min(...lateMs)).toBeGreaterThan(-33);
      }
    },
  );

  test('a picture that was never sent is one that is seen twice, and the next comes in its own turn', () => {
    const cadence = new Cadence(PERIOD_MS);
    const frames = Array.from({ length: 40 }, (_, n) => n)
      .filter((n) => n !== 20)
      .map((n) => cadence.frameOf({ captureMs: n * PERIOD_MS, playoutMs: n * PERIOD_MS }, 0) - n);
    expect(new Set(frames).size).toBe(1);
  });

  test('a picture that replaces another has its place', () => {
    const cadence = new Cadence(PERIOD_MS);
    const at = (n: number, moreMs = 0) => ({ captureMs: n * PERIOD_MS + moreMs, playoutMs: n * PERIOD_MS });
    for (let n = 0; n < 20; n++) cadence.frameOf(at(n), 0);
    expect(cadence.frameOf(at(20), 0)).toBe(20);
    expect(cadence.frameOf(at(20, 0.01), 0)).toBe(20);
    expect(cadence.frameOf(at(20, -0.01), 0)).toBe(20);
    expect(cadence.frameOf(at(21), 0)).toBe(21);
  });

  test('one picture that comes a frame late is seen late; where there is room, no other is left out for it', () => {
    const early = show({ playoutMs: (ms) => ms + 12, lateFrames: (n) => (n === 100 ? 3 : 0) });
    expect(Object.values(early.odd)).toEqual([0]);
    const late = show({ playoutMs: (ms) => ms - 12, lateFrames: (n) => (n === 100 ? 4 : 0) });
    expect(Object.values(late.odd)).toEqual([0, 2]);
  });

  test('after a stall of the network the newest is shown again, not all that was held up', () => {
    const { pictures, lateMs } = show({ lateFrames: (n) => (n >= 100 && n < 120 ? 123 - n : 0) });
    expect(Math.max(...lateMs.slice(-100))).toBeLessThan(34);
    expect(pictures.at(-1)).toBeGreaterThan(290);
  });

  test('a mapping that was set anew is followed at once', () => {
    const { lateMs } = show({ playoutMs: (ms, n) => ms + (n < 150 ? 0 : 300) });
    expect(Math.max(...lateMs.slice(200).map(Math.abs))).toBeLessThan(21);
  });

  test('a mapping that moves by a frame makes one picture twice', () => {
    const { odd } = show({ playoutMs: (ms, n) => ms + (n < 150 ? 0 : PERIOD_MS) });
    expect(Object.values(odd)).toEqual([0]);
  });

  test('after a pause it goes on in time', () => {
    const { lateMs } = show({
      labelMs: (ms, n) => ms + (n < 100 ? 0 : 5011),
      playoutMs: (ms, n) => ms + (n < 100 ? 0 : 5011),
    });
    expect(Math.max(...lateMs.slice(-100).map(Math.abs))).toBeLessThan(21);
  });
});

describe('other rates show the most regular pattern there is', () => {
  test.each([
    [15, [0, 1]],
    [10, [0, 0, 1]],
    [20, [0, 1, 1]],
    [24, [0, 1, 1, 1, 1]],
    [25, [0, 1, 1, 1, 1, 1]],
    [50, [1, 2, 2]],
    [60, [2]],
  ])('%i pictures a second', (fps, pattern) => {
    for (let phase = 0; phase < 34; phase += 5) {
      const random = noise(phase);
      const { steps } = show({ fps, playoutMs: (ms) => ms + phase + 3 * random() - 1.5 });
      const settled = steps.slice(30, -30);
      const shift = pattern.findIndex((_, i) => settled.every((step, k) => step === pattern[(k + i) % pattern.length]));
      expect(shift, `${phase} ms: ${settled.slice(0, 30)}`).toBeGreaterThanOrEqual(0);
    }
  });

  test('a program of 25 and of 60 frames', () => {
    expect(show({ fps: 25, periodMs: 40 }).odd).toEqual({});
    const { steps } = show({ fps: 30, periodMs: 1000 / 60, playoutMs: (ms) => ms + 8 });
    expect(steps.slice(20, 80).join('')).toMatch(/^1?(01)+0?$/);
  });

  test('a rate of its own is no pattern, and each picture goes to the frame nearest to its time', () => {
    const { cadence, lateMs } = show({ fps: 27.3 });
    expect(cadence.rate).toBeNull();
    expect(Math.max(...lateMs)).toBeLessThan(2 * PERIOD_MS);
    const random = noise(3);
    const irregular = show({ fps: 20, labelMs: (ms) => ms + 40 * random() });
    expect(irregular.cadence.rate).toBeNull();
  });

  test('a camera that slows down in the dark and comes back', () => {
    const slow = (ms: number, n: number) => ms + (n < 100 ? 0 : (Math.min(n, 200) - 100) * PERIOD_MS);
    const { steps, cadence } = show({ seconds: 12, labelMs: slow, playoutMs: slow });
    expect(cadence.rate).toEqual([1, 1]);
    const at = steps.slice(150, 250).join('');
    expect(at).toMatch(/^1?(01)+0?$/);
    expect(steps.slice(-60).every((step) => step === 1)).toBe(true);
  });
});
