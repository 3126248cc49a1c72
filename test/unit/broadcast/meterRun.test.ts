import { describe, expect, test } from 'vitest';
import type { LinkEnd } from '../../../src/broadcast/CompositorLink.ts';
import type { CompositorRun } from '../../../src/broadcast/CompositorRun.ts';
import { encoderFor, gridFor, type Program } from '../../../src/broadcast/jobs.ts';
import { meterRun } from '../../../src/broadcast/meterRun.ts';
import { TypedEmitter } from '../../../src/common/TypedEmitter.ts';
import type { CompositorStats } from '../../../src/contracts/control.ts';
import { UsageMeter } from '../../../src/usage/UsageMeter.ts';

const PROGRAM: Program = {
  ...{ broadcast: 'b00000000001', epoch: 1_000.4, startMs: 50_000, grid: gridFor(30), renditions: [] },
  ...{ encoder: encoderFor('libx264', 1), deliveryUrl: 'http://127.0.0.1:1', assetsUrl: null },
};

/** What a CompositorRun tells, on a clock of the test. */
function rig() {
  const clock = { ms: PROGRAM.startMs, now: () => clock.ms };
  const { promise: ended, resolve: end } = Promise.withResolvers<LinkEnd>();
  const run = Object.assign(
    new TypedEmitter<{ ready: [program: Program, first: number]; stopping: []; stats: [stats: CompositorStats] }>(),
    { compositor: 'c00000000001', ended },
  );
  const meter = new UsageMeter(() => 0);
  meterRun(run as unknown as CompositorRun, { sink: meter, clock, room: 'demo', tenant: 'acme' });
  const value = (kind: string) => {
    meter.look();
    const found = meter.report(1)?.readings.find((reading) => reading.kind === kind);
    return found && [found.at, found.value];
  };
  const cpu = (cpuSeconds: number) => run.emit('stats', { cpuSeconds } as CompositorStats);
  return { clock, run, meter, value, cpu, end };
}

describe('a run', () => {
  test('is at work from its first segment on the grid until it is told to stop', async () => {
    const { clock, run, value, meter, end } = rig();
    clock.ms += 3_000;
    expect(value('active')).toBeUndefined();
    run.emit('ready', PROGRAM, 2);
    // Its first segment is still to come.
    expect(value('active')).toBeUndefined();
    clock.ms += 1_700;
    expect(value('active')).toEqual([4_000, 4_700]);
    expect(meter.report(1)?.broadcasts).toEqual([
      { id: PROGRAM.broadcast, room: 'demo', tenant: 'acme', epoch: 1_000 },
    ]);
    clock.ms += 50;
    run.emit('stopping');
    clock.ms += 10_000;
    end({ reason: 'stopped', lastSegment: 2, message: '' });
    await Promise.resolve();
    expect(value('active')).toEqual([4_000, 4_750]);
  });

  test('is at work until it is found gone', async () => {
    const { clock, run, value, end } = rig();
    run.emit('ready', PROGRAM, 0);
    clock.ms += 1_234;
    end({ reason: 'crashed', lastSegment: null, message: '' });
    await Promise.resolve();
    clock.ms += 5_000;
    expect(value('active')).toEqual([0, 1_234]);
  });

  test('has the CPU that its compositor tells each second, and at its end', async () => {
    const { run, value, cpu, end } = rig();
    run.emit('ready', PROGRAM, 0);
    cpu(1.5);
    expect(value('cpu')).toEqual([0, 1_500]);
    run.emit('stopping');
    cpu(1.75);
    expect(value('cpu')).toEqual([0, 1_750]);
    end({ reason: 'stopped', lastSegment: 0, message: '', cpuSeconds: 1.9 });
    await Promise.resolve();
    expect(value('cpu')).toEqual([0, 1_900]);
  });
});
