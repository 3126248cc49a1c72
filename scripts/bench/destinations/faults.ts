/** Each does one thing to one server of a stage, and tells how the destination took it. All of them run side by side. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DestinationStatus } from '../../../src/contracts/deliveryControl.ts';
import { judgeLoss, type Loss, seconds, worst } from './judge.ts';
import { REFUSED, RESETTING, SLOW, STALLED, type Stage } from './Stage.ts';

/** A connection that has held for this long is stable (Destination.ts), and the backoff begins anew; some more, ms. */
const STABLE_MS = 12_000;
/** A state that is not told by then never will be, ms. */
const TOLD_LIMIT_MS = 20_000;
/** The longest step of the backoff, 15 s, an attempt that hangs, 10 s, and a connection, ms. */
const BACK_LIMIT_MS = 40_000;
/** So long a server hangs, ms: longer than it takes to be noticed, and the attempts after that hang too. */
const STALL_MS = 20_000;
/** So long a key is turned away, ms. */
const REFUSAL_MS = 20_000;

const is =
  (state: DestinationStatus['state'], cause?: DestinationStatus['cause']) =>
  (status: DestinationStatus): boolean =>
    status.state === state && (cause === undefined || status.cause === cause);

/** The server is killed, and there again on the same port after `outageMs`. */
export async function kill(stage: Stage, name: string, outageMs: number, signal: AbortSignal): Promise<Loss> {
  const server = stage.mortal.get(name);
  if (!server) throw new Error(`no server of its own is behind '${name}'`);
  await delay(STABLE_MS, undefined, { signal });
  const faultMs = performance.now();
  await server.kill();
  const told = await stage.log.until(name, is('reconnecting'), TOLD_LIMIT_MS);
  await delay(Math.max(0, faultMs + outageMs - performance.now()), undefined, { signal });
  await server.run();
  const wellMs = performance.now();
  const live = await stage.log.until(name, is('live'), BACK_LIMIT_MS);
  return judgeLoss(stage.log.history(name), { faultMs, wellMs, told, live });
}

/** The server's window closes, and opens again. */
export async function stall(stage: Stage, signal: AbortSignal): Promise<Loss> {
  await delay(STABLE_MS, undefined, { signal });
  const faultMs = performance.now();
  stage.stalling.stall();
  const told = await stage.log.until(STALLED, is('reconnecting', 'hung'), TOLD_LIMIT_MS);
  await delay(Math.max(0, faultMs + STALL_MS - performance.now()), undefined, { signal });
  stage.stalling.flow();
  const wellMs = performance.now();
  const live = await stage.log.until(STALLED, is('live'), BACK_LIMIT_MS);
  return judgeLoss(stage.log.history(STALLED), { faultMs, wellMs, told, live });
}

/** The server turns the key away, and takes it in the end. */
export async function refuse(stage: Stage, signal: AbortSignal): Promise<Loss & { attempts: number }> {
  const faultMs = performance.now();
  await stage.addRefused();
  const told = await stage.log.until(REFUSED, is('reconnecting', 'refused'), TOLD_LIMIT_MS);
  await delay(REFUSAL_MS, undefined, { signal });
  const attempts = stage.main.publishes(REFUSED);
  stage.main.denied.clear();
  const wellMs = performance.now();
  const live = await stage.log.until(REFUSED, is('live'), BACK_LIMIT_MS);
  return { ...judgeLoss(stage.log.history(REFUSED), { faultMs, wellMs, told, live }), attempts };
}

/** What became of each reset; the server is well again at once. The last one may still be on its way back. */
export function judgeResets(stage: Stage, resetAfterMs: number): Loss & { resets: number; live: number } {
  const history = stage.log.history(RESETTING);
  const { resets } = stage.resetting;
  const losses = resets.slice(0, -1).map((faultMs, i) => {
    const end = resets[i + 1] ?? 0;
    const after = history.filter(({ atMs }) => atMs > faultMs && atMs < end);
    const told = after.find(({ status }) => status.state === 'reconnecting') ?? null;
    const live = after.find(({ atMs, status }) => told && atMs > told.atMs && status.state === 'live') ?? null;
    return judgeLoss(history, { faultMs, wellMs: faultMs, told, live });
  });
  const [slowest] = losses.toSorted((a, b) => (b.over_step_s ?? resetAfterMs) - (a.over_step_s ?? resetAfterMs));
  const most = (field: 'state_s' | 'back_s' | 'over_step_s') => worst(losses.map((loss) => loss[field]));
  return {
    ...{ state_s: most('state_s'), cause: slowest?.cause ?? null, reason: slowest?.reason ?? '' },
    ...{ back_s: most('back_s'), step_s: slowest?.step_s ?? null, over_step_s: most('over_step_s') },
    ...{ resets: resets.length, live: losses.filter(({ back_s }) => back_s !== null).length },
  };
}

export interface Slowness {
  /** From `live` until the API told that it is slow. */
  state_s: number | null;
  reconnects: number;
  dropped_gops: number;
}

/** The line is slow, from the first byte on. */
export async function slow(stage: Stage): Promise<{ state_s: number | null }> {
  await stage.addSlow();
  const live = await stage.log.until(SLOW, is('live'), TOLD_LIMIT_MS);
  const told = await stage.log.until(SLOW, is('live', 'slow'), TOLD_LIMIT_MS);
  return { state_s: live && told ? seconds(told.atMs - live.atMs) : null };
}

export function judgeSlow(stage: Stage, { state_s }: { state_s: number | null }): Slowness {
  const history = stage.log.history(SLOW);
  return {
    state_s,
    reconnects: history.filter(({ status }) => status.state === 'reconnecting').length,
    dropped_gops: history.at(-1)?.status.droppedGops ?? 0,
  };
}
