import { describe, expect, test } from 'vitest';
import { PressureController } from '../../../compositor/PressureController.ts';

const PERIOD_MS = 1000 / 30;
const FURTHER = ['lower-layers', 'half-source-rate', 'half-program-rate'];

/** A controller and a clock: `run` lets frames pass and tells what changed, and when (s). */
class Rig {
  readonly controller = new PressureController(PERIOD_MS);
  #frame = 0;

  /** `inTime`: the first frame is, so that judging begins with the next. */
  constructor(inTime = true) {
    if (inTime) this.run(PERIOD_MS / 1000, () => 0.1);
  }

  get seconds(): number {
    return (this.#frame * PERIOD_MS) / 1000;
  }

  run(seconds: number, share: (step: string, frame: number) => number, repeated = false): [number, string][] {
    const changes: [number, string][] = [];
    for (const end = this.#frame + Math.round(seconds * 30); this.#frame < end; this.#frame++) {
      const lagMs = share(this.controller.step, this.#frame) * PERIOD_MS;
      const step = this.controller.frame(this.#frame * PERIOD_MS + lagMs, { lagMs, repeated });
      if (step) changes.push([this.seconds, step]);
    }
    return changes;
  }
}

const stepsOf = (changes: [number, string][]) => changes.map(([, step]) => step);

describe('PressureController', () => {
  test('steps further every 1.5 s while there is pressure, in order, and stays at the last', () => {
    const rig = new Rig();
    const changes = rig.run(10, () => 1.25);
    expect(stepsOf(changes)).toEqual(FURTHER);
    for (const [i, [at]] of changes.entries()) expect(at).toBeCloseTo(1.5 * (i + 1), 0);
    expect(rig.controller.step).toBe('half-program-rate');
  });

  test('frames that are not composed for want of time are pressure although the lag is small', () => {
    expect(stepsOf(new Rig().run(2, () => 0.3, true))).toEqual(['lower-layers']);
  });

  test('comes back a step each 6 s of calm', () => {
    const rig = new Rig();
    rig.run(5, () => 1.25);
    const from = rig.seconds;
    const changes = rig.run(40, () => 0.4);
    expect(stepsOf(changes)).toEqual(['half-source-rate', 'lower-layers', 'none']);
    for (const [i, [at]] of changes.entries()) {
      expect(at - from).toBeGreaterThanOrEqual(5.5 * (i + 1));
      expect(at - from).toBeLessThan(7 * (i + 1));
    }
  });

  test('one bad second, slow frames now and then, and a load in between change nothing', () => {
    const rig = new Rig();
    expect(rig.run(1, () => 3)).toEqual([]);
    expect(rig.run(10, (_step, n) => (n % 30 === 0 ? 3 : 0.4))).toEqual([]);
    expect(rig.run(30, () => 1)).toEqual([]);
    rig.run(2, () => 1.25);
    expect(rig.controller.step).toBe('lower-layers');
    expect(rig.run(30, () => 1)).toEqual([]);
  });

  test('a backlog that is worked off now and then is no pressure, however large', () => {
    const rig = new Rig();
    // Of fourteen frames thirteen are six periods late.
    expect(rig.run(30, (_step, n) => (n % 14 === 0 ? 0.9 : 6))).toEqual([]);
    expect(stepsOf(rig.run(2, () => 2))).toEqual(['lower-layers']);
  });

  test('a bad half second now and then delays the way back, and does not stop it', () => {
    const rig = new Rig();
    rig.run(5, () => 1.25);
    const changes = rig.run(60, (_step, n) => (n % 120 < 14 ? 1.4 : 0.3));
    expect(stepsOf(changes)).toEqual(['half-source-rate', 'lower-layers', 'none']);
  });

  test('a step back that was too much is tried again later and later, at least once a minute', () => {
    const rig = new Rig();
    // The machine bears two steps, and not one.
    const load = (step: string) => (step === 'none' || step === 'lower-layers' ? 1.25 : 0.5);
    const changes = rig.run(400, load);
    expect(stepsOf(changes.slice(0, 2))).toEqual(FURTHER.slice(0, 2));
    const probes = changes.slice(2).filter(([, step]) => step === 'lower-layers');
    const waits = probes.slice(1).map(([at], i) => at - (probes[i]?.[0] ?? 0));
    expect(waits[0]).toBeGreaterThan(12);
    expect(waits[1]).toBeGreaterThan(24);
    expect(waits[2]).toBeGreaterThan(48);
    expect(Math.max(...waits)).toBeLessThan(63);
    // It never went as far back as `none`, and each probe was taken back within two seconds.
    expect(rig.controller.step).not.toBe('half-program-rate');
    expect(stepsOf(changes.slice(2))).not.toContain('none');
    // Calm for good: it comes back all the way, the second step after the usual time.
    const back = rig.run(150, () => 0.3);
    expect(stepsOf(back).slice(-2)).toEqual(['lower-layers', 'none']);
    const [[first] = [0], [second] = [0]] = back.slice(-2);
    expect(second - first).toBeLessThan(11);
  });

  test('a program that begins late is no pressure, one that never catches up is', () => {
    const late = new Rig(false);
    expect(late.run(4, (_step, n) => 30 - n / 4)).toEqual([]);
    expect(late.run(10, () => 0.5)).toEqual([]);
    const never = new Rig(false);
    expect(never.run(5, () => 30)).toEqual([]);
    expect(stepsOf(never.run(6, () => 30))).toEqual(FURTHER);
  });

  test('a process that stood still is one window, however long it stood', () => {
    const rig = new Rig();
    expect(rig.controller.frame(0, { lagMs: 1, repeated: false })).toBeNull();
    expect(rig.controller.frame(10_000, { lagMs: 10_000, repeated: true })).toBeNull();
    for (let n = 0; n < 300; n++)
      expect(rig.controller.frame(10_000 + n, { lagMs: 9_000 - 33 * n, repeated: n < 270 })).toBeNull();
    expect(rig.controller.step).toBe('none');
  });
});
