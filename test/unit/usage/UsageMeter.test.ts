import { describe, expect, test } from 'vitest';
import { DAY_MS } from '../../../src/usage/days.ts';
import { UsageMeter } from '../../../src/usage/UsageMeter.ts';

const MIDNIGHT = 20_000 * DAY_MS;
const OF = { broadcast: 'b00000000001', subject: '', source: 'c1' };

function meterAt(wallMs: number) {
  const clock = { now: wallMs };
  return { clock, meter: new UsageMeter(() => clock.now) };
}
const values = (meter: UsageMeter) => meter.report(1)?.readings.map(({ at, value }) => [at, value]);

describe('what grows', () => {
  test('time that follows on what is known makes it longer; after a hole it begins anew', () => {
    const { meter } = meterAt(0);
    const active = { ...OF, kind: 'active' } as const;
    meter.cover(active, 0, 333.4);
    meter.cover(active, 333.4, 666.6);
    // Said again, or a part of it.
    meter.cover(active, 0, 500);
    expect(values(meter)).toEqual([[0, 667]]);
    meter.cover(active, 1_000, 1_200);
    expect(values(meter)).toEqual([
      [0, 667],
      [1_000, 1_200],
    ]);
    meter.cover(active, 2_000, 2_000);
    expect(values(meter)).toHaveLength(2);
  });

  test('what a counter grew by over midnight is shared out by time', () => {
    const { meter, clock } = meterAt(MIDNIGHT - 250);
    meter.count({ ...OF, kind: 'cpu' }, 1_000);
    clock.now = MIDNIGHT + 750;
    meter.count({ ...OF, kind: 'cpu' }, 1_100);
    expect(values(meter)).toEqual([
      [19_999, 1_025],
      [20_000, 1_100],
    ]);
  });

  test('a counter that stood still before midnight, or goes back, and a clock that is set back', () => {
    const { meter, clock } = meterAt(MIDNIGHT - DAY_MS);
    meter.count({ ...OF, kind: 'cpu' }, 10);
    clock.now = MIDNIGHT - 1;
    meter.count({ ...OF, kind: 'cpu' }, 10);
    clock.now = MIDNIGHT + 1;
    meter.count({ ...OF, kind: 'cpu' }, 9);
    meter.count({ ...OF, kind: 'cpu' }, 12);
    expect(values(meter)).toEqual([
      [19_999, 10],
      [20_000, 12],
    ]);
    clock.now = MIDNIGHT - 500;
    meter.count({ ...OF, kind: 'cpu' }, 13);
    expect(values(meter)).toEqual([
      [19_999, 13],
      [20_000, 12],
    ]);
  });
});

describe('reports', () => {
  test('what was written is not reported again, what grew meanwhile is', () => {
    const { meter } = meterAt(0);
    meter.broadcast({ id: OF.broadcast, room: 'demo', tenant: 'acme', epoch: 5 });
    meter.broadcast({ id: OF.broadcast, room: 'demo', tenant: null, epoch: null });
    meter.destination('d1', 'rtmp://example.com/live');
    meter.count({ ...OF, kind: 'egress', subject: 'd1' }, 10);
    meter.count({ ...OF, kind: 'cpu' }, 10);
    const report = meter.report(1)!;
    expect(report).toMatchObject({
      broadcasts: [{ id: OF.broadcast, room: 'demo', tenant: 'acme', epoch: 5 }],
      targets: { d1: 'rtmp://example.com/live' },
    });
    meter.count({ ...OF, kind: 'cpu' }, 20);
    meter.written(report);
    expect(meter.report(2)).toMatchObject({ sequence: 2, targets: {}, readings: [{ kind: 'cpu', value: 20 }] });
    meter.written(meter.report(2)!);
    expect(meter.report(3)).toBeUndefined();
  });

  test('who watches is looked at, and once more when he stops', () => {
    const { meter } = meterAt(0);
    let looked = 0;
    const stop = meter.watch(() => {
      looked += 1;
    });
    meter.look();
    stop();
    stop();
    meter.look();
    expect(looked).toBe(2);
  });

  test('what has long not grown is forgotten, and goes on where it was', () => {
    const { meter, clock } = meterAt(0);
    meter.broadcast({ id: OF.broadcast, room: 'demo', tenant: 'acme', epoch: 0 });
    meter.count({ ...OF, kind: 'cpu' }, 10);
    meter.written(meter.report(1)!);
    clock.now = 2 * 3_600_000;
    meter.look();
    meter.count({ ...OF, kind: 'cpu' }, 12);
    expect(meter.report(2)).toMatchObject({ broadcasts: [], readings: [{ at: 0, value: 12 }] });
  });
});
