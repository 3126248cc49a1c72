/**
 * A rolling change of all compositor agents under load, as Kubernetes makes it: one more agent comes, then one after the other gets SIGTERM and
 * comes again. SFU, delivery, Redis and agents as processes of their own, in each room one simulated person who sends all the time.
 *
 *   lost_frames    frames of the programs that never came to delivery, gaps in playlists included; 0
 *   seconds        from the first SIGTERM to the last agent being there again
 *   drain_s        of each agent, from SIGTERM to its end
 *   handed_over    handoffs that went well, of `attempts`
 *   exits          of the agents; 0
 *   restarts       compositors that were lost and replaced; 0
 *   unbroken       no playlist went back, no discontinuity, one init segment
 *
 * --agents N (2), --rooms N of each (4), --size, --fps, --bitrate, --warm N compositor processes that an agent keeps ready (2), --log FOLDER keeps
 * the processes' logs.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { FleetProcesses } from '../../test/support/FleetProcesses.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { FleetRooms, keepLogs, untilAnnounced, VIDEO_OPTIONS, videoOf } from './support/FleetRooms.ts';

const SETTLE_SEGMENTS = 3;
const AFTER_SEGMENTS = 3;

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      ...VIDEO_OPTIONS,
      agents: { type: 'string', default: '2' },
      rooms: { type: 'string', default: '4' },
      warm: { type: 'string', default: '2' },
    },
  });
  const [agents, each] = [Number(values.agents), Number(values.rooms)];
  if (!(agents >= 1 && agents <= 10 && each >= 1)) throw new Error('--agents 1 to 10, --rooms 1 or more');
  const env = {
    LIANMAI_MAX_BROADCASTS: String(each),
    LIANMAI_WARM_COMPOSITORS: values.warm,
    LIANMAI_LOG_LEVEL: 'info',
  };
  const fleet = await FleetProcesses.start({ redis: true, agents: 0, env });
  const rooms = new FleetRooms(fleet, videoOf(values), context);
  try {
    for (let i = 1; i <= agents; i++) {
      await fleet.add('compositor');
      await untilAnnounced(fleet);
      // The others are full: the new one gets them all.
      await rooms.open(each);
    }
    await fleet.add('compositor');
    await untilAnnounced(fleet);
    const result = await roll(fleet, rooms, agents, context);
    return { agents, rooms: agents * each, size: values.size, ...result, load: Number((loadavg()[0] ?? 0).toFixed(2)) };
  } finally {
    rooms.close();
    await keepLogs(fleet, values.log);
    await fleet.stop();
  }
};

async function roll(
  fleet: FleetProcesses,
  rooms: FleetRooms,
  agents: number,
  { say, signal }: BenchContext,
): Promise<Record<string, unknown>> {
  await rooms.segments(SETTLE_SEGMENTS);
  const counted = await rooms.count();
  const beganAt = performance.now();
  const [drains, exits]: [number[], unknown[]] = [[], []];
  for (const agent of fleet.agents.slice(0, agents)) {
    signal.throwIfAborted();
    const at = performance.now();
    exits.push(await agent.stop('SIGTERM'));
    drains.push(Number(((performance.now() - at) / 1000).toFixed(2)));
    say(`an agent is gone after ${drains.at(-1)} s`);
    await fleet.again(agent);
    await untilAnnounced(fleet);
  }
  const seconds = (performance.now() - beganAt) / 1000;
  await rooms.segments(AFTER_SEGMENTS);
  const { lostFrames, grown } = await counted();
  return {
    lost_frames: lostFrames,
    seconds: Number(seconds.toFixed(2)),
    drain_s: drains,
    handed_over: fleet.sfu.logs().filter(({ msg }) => msg === 'broadcast handed over').length,
    attempts: grown('lianmai_handoffs_total'),
    exits,
    restarts: grown('lianmai_compositor_restarts_total'),
    unbroken: rooms.rooms.every(
      ({ follower: { backwards, discontinuities, inits } }) =>
        backwards.length + discontinuities === 0 && inits.size === 1,
    ),
  };
}
