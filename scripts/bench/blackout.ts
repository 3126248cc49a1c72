/**
 * How soon is a camera in simulcast layers back after its sender's network was gone for longer than mediasoup waits (1.5 s)? Each
 * way has the same cameras and the same blackouts: a real worker, real UDP, ingest as in production, sender reports as a browser's
 * (each layer its own, REPORT_MS ± 50 %).
 *
 *   before        all layers die after 1.5 s (mediasoup's default)
 *   ask           the same, and at each change of scores the controller wants the layer and a key frame anew
 *   lowest        the lowest layer is kept for 5 s (src/sfu/rtpParameters.ts): what production does
 *   all           all layers are
 *   patched       `before`, with the worker --worker FILE
 *   both          `lowest`, with that worker
 *
 * Of each way: first_ms, to the first picture; steady_ms, to the first one after which no picture stands for more than 200 ms, and the share that
 * took longer than 1 s; wanted_ms, to the layer that is wanted. Then left_ms: how long the picture stands when the browser stops sending
 * the layer that is shown, as it does on a bad line. What this process did not run for (hiccup_ms, the longest) does not count as standing.
 *
 * --cameras N (9), --blackouts N (3) of each, --report-ms N (1000), --only WAY,…, --worker FILE, --verbose.
 */
import { parseArgs } from 'node:util';
import { randomOf } from '../../test/support/sound/random.ts';
import type { Bench } from '../bench.ts';
import { ClipStore } from '../simulator/clip/ClipStore.ts';
import type { EncodedClip } from '../simulator/clip/makeClip.ts';
import { Hiccups } from './blackout/Hiccups.ts';
import { Lane, type Recovery, type Way } from './blackout/Lane.ts';
import { spread } from './support/spread.ts';

/** Of blackouts, ms: longer than mediasoup waits. */
const BLACKOUT_MS = [1_600, 3_000] as const;
/** What is looked at after each, ms. */
const WATCH_MS = 3_000;
/** What is looked at after a layer was stopped, ms: longer than mediasoup takes for any way. */
const WATCH_LOST_MS = 7_000;
/** Before the first: layers are known, scores have a history, ms. */
const WARM_UP_MS = 5_000;
/** What the issue asks for, ms. */
const LIMIT_MS = 1_000;
const LAYERS = 3;

interface Options {
  cameras: number;
  blackouts: number;
  reportMs: number;
}

export const run: Bench = async ({ args, say, signal }) => {
  const { values } = parseArgs({
    args,
    options: {
      cameras: { type: 'string', default: '9' },
      blackouts: { type: 'string', default: '3' },
      'report-ms': { type: 'string', default: '1000' },
      only: { type: 'string' },
      worker: { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const options: Options = {
    cameras: Number(values.cameras),
    blackouts: Number(values.blackouts),
    reportMs: Number(values['report-ms']),
  };
  if (!Object.values(options).every((value) => value >= 1))
    throw new Error('--cameras, --blackouts, --report-ms from 1');
  const only = values.only?.split(',');
  const ways: Way[] = [
    { name: 'before', kept: 0, wish: 'none' as const },
    { name: 'ask', kept: 0, wish: 'ask' as const },
    { name: 'lowest', kept: 1, wish: 'none' as const },
    { name: 'all', kept: LAYERS, wish: 'none' as const },
    ...(values.worker
      ? [
          { name: 'patched', kept: 0, wish: 'none' as const, workerBin: values.worker },
          { name: 'both', kept: 1, wish: 'none' as const, workerBin: values.worker },
        ]
      : []),
  ].filter(({ name }) => only?.includes(name) ?? true);
  const clip = await new ClipStore().get(0, 'vp8');
  const results: Record<string, unknown> = {};
  for (const way of ways) {
    const { recoveries, left, hiccupMs } = await measure(way, clip, options, signal);
    if (values.verbose) for (const recovery of recoveries) say(`${way.name}: ${JSON.stringify(recovery)}`);
    results[way.name] = { ...figures(recoveries), left_ms: spread(left), hiccup_ms: Math.round(hiccupMs) };
    say(`${way.name}: ${JSON.stringify(results[way.name])}`);
  }
  return { ...options, ways: results };
};

async function measure(
  way: Way,
  clip: EncodedClip,
  o: Options,
  signal: AbortSignal,
): Promise<{ recoveries: Recovery[]; left: number[]; hiccupMs: number }> {
  const hiccups = new Hiccups();
  const lanes = await Promise.all(
    Array.from({ length: o.cameras }, (_, i) => {
      const random = randomOf(100 + i);
      const reportMs = () => o.reportMs * (0.5 + random());
      return Lane.create({ way, clip, spatialLayer: i % LAYERS, reportMs, hiccups });
    }),
  );
  try {
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
    const all = await Promise.all(
      lanes.map(async (lane, i) => {
        // The same for every way.
        const random = randomOf(1 + i);
        const recoveries: Recovery[] = [];
        for (let turn = 0; turn < o.blackouts; turn++) {
          signal.throwIfAborted();
          const [least, most] = BLACKOUT_MS;
          recoveries.push(await lane.blackout(least + random() * (most - least), WATCH_MS));
        }
        return recoveries;
      }),
    );
    // The lowest layer is the last that a browser stops.
    const above = lanes.filter((_, i) => i % LAYERS > 0);
    const left = await Promise.all(above.map((lane) => lane.loseLayer(WATCH_LOST_MS)));
    return { recoveries: all.flat(), left, hiccupMs: hiccups.longestMs };
  } finally {
    hiccups.close();
    for (const lane of lanes) lane.close();
  }
}

function figures(recoveries: readonly Recovery[]): Record<string, unknown> {
  const of = (key: 'firstMs' | 'steadyMs' | 'wantedMs') => recoveries.map((recovery) => recovery[key] ?? WATCH_MS);
  const late = of('steadyMs').filter((ms) => ms > LIMIT_MS).length / recoveries.length;
  return {
    blackouts: recoveries.length,
    first_ms: spread(of('firstMs')),
    steady_ms: spread(of('steadyMs')),
    over_1s: Number(late.toFixed(3)),
    wanted_ms: spread(of('wantedMs')),
  };
}
