import { describe, expect, test } from 'vitest';
import { decibelsOf, faders } from '../../../../compositor/compose/levels.ts';
import type { JobSource } from '../../../../src/contracts/job.ts';
import { Scene, type SceneInput } from '../../../../src/contracts/scene.ts';

const source = (id: string, o: Partial<JobSource> = {}): JobSource => ({
  id,
  peer: id.split('.')[0] ?? '',
  kind: 'microphone',
  mime: 'audio/opus',
  payloadType: 100,
  clockRate: 48_000,
  fmtp: {},
  ssrc: 1,
  paused: false,
  ...o,
});
const A = 'paaaaaaaa.microphone';
const B = 'pbbbbbbbb.microphone';
const GONE = 'pcccccccc.microphone';

function of(sources: SceneInput['sources'], paused = false): (number | undefined)[] {
  const levels = faders(Scene.parse({ sources }), [source(A), source(B, { paused })]);
  return [A, B].map((id) => Number(levels.get(id)?.toFixed(4)));
}

describe('faders', () => {
  test('volumes from −60 to +12 dB, mute, pause', () => {
    expect(of({})).toEqual([1, 1]);
    expect(of({ [A]: { volumeDb: 12 }, [B]: { volumeDb: -60 } })).toEqual([3.9811, 0.001]);
    expect(of({ [A]: { muted: true } })).toEqual([0, 1]);
    expect(of({}, true)).toEqual([1, 0]);
  });

  test('while any is solo the others are silent; one that is not there silences nobody', () => {
    expect(of({ [B]: { solo: true, volumeDb: -20 } })).toEqual([0, 0.1]);
    expect(of({ [A]: { solo: true }, [B]: { solo: true } })).toEqual([1, 1]);
    expect(of({ [A]: { solo: true, muted: true } })).toEqual([0, 0]);
    expect(of({ [GONE]: { solo: true } })).toEqual([1, 1]);
  });

  test('a factor in decibels', () => {
    expect(decibelsOf(10)).toBeCloseTo(20);
  });
});
