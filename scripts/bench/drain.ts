/**
 * SIGTERM on a compositor agent with many rooms, while another has room: SFU, delivery and two agents as processes of their own, in each
 * room one simulated person who sends all the time. 320x180 at 15 fps and 200 kbit/s, so that all fits on two cores.
 *
 *   seconds        from SIGTERM to the end of the agent's process; ≤ 20
 *   lost_frames    frames of the programs that never came to delivery, gaps in playlists included; 0
 *   exit           its exit code; 0
 *   handed_over    rooms that were handed over, by the controller's count
 *   handoff_s_max  longest handoff, from its turn to the end of the compositor before
 *   restarts       compositors that were lost and replaced; 0
 *
 * --rooms N (8), --size WIDTHxHEIGHT (320x180), --fps N (15), --bitrate N bits a second (200000), --handoffs N that warm up at once (2), --warm N
 * compositor processes that an agent keeps ready (2), --log FOLDER keeps the processes' logs.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { FleetProcesses } from '../../test/support/FleetProcesses.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { FleetRooms, keepLogs, VIDEO_OPTIONS, videoOf } from './support/FleetRooms.ts';

/** Before the signal, so that all rooms have settled, and after the end, so that what was lost is seen; segments. */
const SETTLE_SEGMENTS = 3;
const AFTER_SEGMENTS = 3;

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      ...VIDEO_OPTIONS,
      rooms: { type: 'string', default: '8' },
      handoffs: { type: 'string', default: '2' },
      warm: { type: 'string', default: '2' },
    },
  });
  const [count, handoffs] = [Number(values.rooms), Number(values.handoffs)];
  if (!(count >= 1 && count <= 100 && handoffs >= 1)) throw new Error('--rooms 1 to 100, --handoffs 1 or more');
  const video = videoOf(values);
  const env = {
    LIANMAI_MAX_BROADCASTS: String(count),
    LIANMAI_MAX_HANDOFFS: String(handoffs),
    LIANMAI_WARM_COMPOSITORS: values.warm,
    LIANMAI_LOG_LEVEL: 'info',
  };
  const fleet = await FleetProcesses.start({ agents: 2, env });
  const rooms = new FleetRooms(fleet, video, context);
  try {
    // While the first agent is alone it gets them all.
    const [, second] = fleet.agents;
    await second?.kill();
    await rooms.open(count);
    if (second) await fleet.again(second);
    const result = await drain(fleet, rooms, context);
    return { rooms: count, size: values.size, handoffs, ...result, load: Number((loadavg()[0] ?? 0).toFixed(2)) };
  } finally {
    rooms.close();
    await keepLogs(fleet, values.log);
    await fleet.stop();
  }
};

async function drain(
  fleet: FleetProcesses,
  rooms: FleetRooms,
  { say }: BenchContext,
): Promise<Record<string, unknown>> {
  await rooms.segments(SETTLE_SEGMENTS);
  const counted = await rooms.count();
  say('SIGTERM');
  const beganAt = performance.now();
  const exit = await fleet.compositor.stop('SIGTERM');
  const seconds = (performance.now() - beganAt) / 1000;
  say(`the agent is gone after ${seconds.toFixed(2)} s`);
  await rooms.segments(AFTER_SEGMENTS);
  const { lostFrames, grown } = await counted();
  const tookMs = fleet.sfu
    .logs()
    .flatMap(({ msg, tookMs }) => (msg === 'broadcast handed over' ? [Number(tookMs)] : []));
  return {
    seconds: Number(seconds.toFixed(2)),
    lost_frames: lostFrames,
    exit,
    handed_over: tookMs.length,
    attempts: grown('lianmai_handoffs_total'),
    handoff_s_max: Math.max(0, ...tookMs) / 1000,
    restarts: grown('lianmai_compositor_restarts_total'),
  };
}
