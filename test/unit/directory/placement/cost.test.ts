import { describe, expect, test } from 'vitest';
import { Scene, type SceneInput } from '../../../../src/contracts/scene.ts';
import {
  type BroadcastShape,
  type CpuSample,
  correctFactor,
  predictSlots,
  SLOT_CORES,
} from '../../../../src/directory/placement/cost.ts';

const MAIN = { id: 'v720', kind: 'video', width: 1280, height: 720, bitrate: 2_500_000 } as const;
const LOW = { id: 'v360', kind: 'video', width: 640, height: 360, bitrate: 700_000 } as const;
const SOUND = { id: 'a0', kind: 'audio', bitrate: 128_000 } as const;

function shape(people: number, scene: SceneInput = {}, more: Partial<BroadcastShape> = {}): BroadcastShape {
  const peers = Array.from({ length: people }, (_, i) => ({ id: `p0000000${i.toString(36)}`, name: `${i}` }));
  const sources = peers.flatMap(({ id }) =>
    (['camera', 'microphone'] as const).map((kind) => ({ id: `${id}.${kind}`, peer: id, kind, paused: false })),
  );
  return {
    composition: { scene: Scene.parse(scene), peers, sources, active: null },
    renditions: [MAIN, SOUND],
    encoder: { codec: 'libx264', preset: 'veryfast' },
    grid: { fps: 30 },
    ...more,
  };
}
const cores = (of: BroadcastShape): number => predictSlots(of) * SLOT_CORES;

describe('predictSlots', () => {
  test('four people at 720p30 cost what was measured, 0.71 of a core; one slot holds them', () => {
    expect(cores(shape(4))).toBeCloseTo(0.71, 1);
    expect(predictSlots(shape(4))).toBeLessThanOrEqual(1);
    expect(predictSlots(shape(4))).toBeGreaterThan(0.9);
  });
  test('sixteen people cost at most 1.7 times what four do', () => {
    const ratio = cores(shape(16)) / cores(shape(4));
    expect(ratio).toBeGreaterThan(1.1);
    expect(ratio).toBeLessThanOrEqual(1.7);
  });
  test('each rendition costs an encoder, a smaller one less', () => {
    const one = cores(shape(2));
    const two = cores(shape(2, {}, { renditions: [MAIN, LOW, SOUND] }));
    expect(two - one).toBeGreaterThan(0.05);
    expect(two - one).toBeLessThan(0.5 * one);
  });
  test('who is not in the picture is not decoded, who is muted is not mixed', () => {
    expect(cores(shape(4, { layout: { type: 'spotlight' } }))).toBeLessThan(cores(shape(4)));
    expect(cores(shape(2, { sources: { 'p00000000.microphone': { muted: true } } }))).toBeLessThan(cores(shape(2)));
  });
  test('frames, presets and hardware count', () => {
    const usual = cores(shape(2));
    expect(cores(shape(2, {}, { grid: { fps: 60 } }))).toBeGreaterThan(1.3 * usual);
    expect(cores(shape(2, {}, { encoder: { codec: 'libx264', preset: 'medium' } }))).toBeGreaterThan(2 * usual);
    expect(cores(shape(2, {}, { encoder: { codec: 'libx264', preset: 'ultrafast' } }))).toBeLessThan(usual);
    expect(cores(shape(2, {}, { encoder: { codec: 'h264_nvenc', preset: 'veryfast' } }))).toBeLessThan(usual / 2);
  });
});

describe('correctFactor', () => {
  const sample = (cores: number, more: Partial<CpuSample> = {}): CpuSample => ({
    ...{ cores, overMs: 1000, predictedSlots: 1, degraded: false },
    ...more,
  });
  test('goes to what is measured, half of the way in 30 s, however the time is cut', () => {
    const once = correctFactor(1, sample(2 * SLOT_CORES, { overMs: 30_000 }));
    let often = 1;
    for (let i = 0; i < 30; i++) often = correctFactor(often, sample(2 * SLOT_CORES));
    expect(once).toBeCloseTo(1.5, 6);
    expect(often).toBeCloseTo(1.5, 6);
  });
  test('stays within its bounds', () => {
    expect(correctFactor(1, sample(100, { overMs: 1e9 }))).toBe(3);
    expect(correctFactor(1, sample(0, { overMs: 1e9 }))).toBeCloseTo(0.4, 6);
  });
  test('a degraded compositor may raise it, and does not lower it', () => {
    expect(correctFactor(1.5, sample(SLOT_CORES, { degraded: true }))).toBe(1.5);
    expect(correctFactor(1, sample(2 * SLOT_CORES, { degraded: true }))).toBeGreaterThan(1);
  });
  test('a sample that says nothing changes nothing', () => {
    expect(correctFactor(1.2, sample(Number.NaN))).toBe(1.2);
    expect(correctFactor(1.2, sample(1, { overMs: 0 }))).toBe(1.2);
    expect(correctFactor(1.2, sample(1, { predictedSlots: 0 }))).toBe(1.2);
  });
});
