/**
 * What a compositor's run is, as use. In: the run's events. Out: the time that it works for the program, and its CPU.
 *
 * It is at work from its first segment's place on the grid until it is told to stop, or is found gone: the time of both is the
 * controller's, on the program's clock, so what two runs have in common (a handoff, a standby) lies on one time and can be counted once.
 */
import type { Clock } from '../common/clock.ts';
import { newId } from '../common/ids.ts';
import { partStartMs } from '../contracts/grid.ts';
import type { UsageBroadcast, UsageReading } from '../contracts/usage.ts';
import type { CompositorRun } from './CompositorRun.ts';
import type { Resumed } from './record/resumed.ts';

export type UsageOf = Pick<UsageReading, 'broadcast' | 'kind' | 'subject' | 'source'>;

/** Who is told. */
export interface UsageSink {
  broadcast(of: UsageBroadcast): void;
  /** It was at work from `fromMs` to `toMs` of program time. */
  cover(of: UsageOf, fromMs: number, toMs: number): void;
  /** `total` since the source began to count. */
  count(of: UsageOf, total: number): void;
  /** Calls `look` whenever use is written down, until the function that comes back is called; then once more. */
  watch(look: () => void): () => void;
}

export interface RunUsage {
  sink: UsageSink;
  clock: Clock;
  room: string;
  tenant: string;
}

export function runUsage(
  { usage, clock }: { usage?: UsageSink | undefined; clock: Clock },
  room: string,
  tenant: string,
): RunUsage | undefined {
  return usage && { sink: usage, clock, room, tenant };
}

export function meterRun(run: CompositorRun, { sink, clock, room, tenant }: RunUsage): void {
  let cpu: UsageOf | undefined;
  let atWork: (() => void) | undefined;
  const rest = () => {
    atWork?.();
    atWork = undefined;
  };
  run.on('ready', ({ broadcast, epoch, startMs, grid }, firstSegment) => {
    sink.broadcast({ id: broadcast, room, tenant, epoch: Math.round(epoch) });
    const of = { broadcast, subject: '', source: run.compositor };
    cpu = { ...of, kind: 'cpu' };
    const fromMs = partStartMs(grid, firstSegment, 0);
    atWork = sink.watch(() => sink.cover({ ...of, kind: 'active' }, fromMs, clock.now() - startMs));
  });
  run.on('stats', ({ cpuSeconds }) => {
    if (cpu) sink.count(cpu, cpuSeconds * 1000);
  });
  run.on('stopping', rest);
  void run.ended.then(({ cpuSeconds }) => {
    rest();
    if (cpu && cpuSeconds !== undefined) sink.count(cpu, cpuSeconds * 1000);
  });
}

/** A compositor that went on without its controller until another took over: it was at work like any other, since that was heard of last. */
export function meterFormer(id: string, usage: RunUsage | undefined, was: Resumed | undefined, untilMs: number): void {
  if (!usage || !was) return;
  const { sink, room, tenant } = usage;
  sink.broadcast({ id, room, tenant, epoch: Math.round(was.program.epoch) });
  // A name of its own: which compositor it was is not known.
  sink.cover({ broadcast: id, kind: 'active', subject: '', source: newId('c') }, was.heardMs, untilMs);
}
