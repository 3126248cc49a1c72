/**
 * kill -9 of a whole compositor agent, its children too, as when its machine is gone, while another agent has room: SFU, delivery, Redis and two
 * agents as processes of their own, in each room one simulated person who sends all the time. Measured as a viewer has it, from the playlist.
 *
 *   back_s_max      from the kill to the first whole segment of a successor in the playlist, of the room that takes longest; ≤ 4.5
 *   back_s          of each room
 *   part_s_max      the same to the first part, which is what a low-latency viewer plays
 *   assigned_s_max  from the kill to the successor being bound, and `taken_s_max` to its segments being its own
 *   gaps_max        segments that a room lost, and was told so
 *   lost_frames     of all rooms
 *   same_url        no playlist went back, no discontinuity, one init segment
 *
 * --rooms N (4), --repeat N (1): again, with the other agent; --size, --fps, --bitrate, --warm N compositor processes that an agent keeps ready (4),
 * --log FOLDER keeps the processes' logs.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { FleetProcesses } from '../../test/support/FleetProcesses.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { FleetRooms, keepLogs, type LiveRoom, untilAnnounced, VIDEO_OPTIONS, videoOf } from './support/FleetRooms.ts';

const SETTLE_SEGMENTS = 3;
const AFTER_SEGMENTS = 4;

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      ...VIDEO_OPTIONS,
      rooms: { type: 'string', default: '4' },
      repeat: { type: 'string', default: '1' },
      warm: { type: 'string', default: '4' },
    },
  });
  const [count, repeat] = [Number(values.rooms), Number(values.repeat)];
  if (!(count >= 1 && count <= 100 && repeat >= 1)) throw new Error('--rooms 1 to 100, --repeat 1 or more');
  const env = {
    LIANMAI_MAX_BROADCASTS: String(count),
    LIANMAI_WARM_COMPOSITORS: values.warm,
    LIANMAI_LOG_LEVEL: 'info',
  };
  const fleet = await FleetProcesses.start({ redis: true, env });
  const rooms = new FleetRooms(fleet, videoOf(values), context);
  try {
    await untilAnnounced(fleet);
    await rooms.open(count);
    const losses: Loss[] = [];
    for (let turn = 0; turn < repeat; turn++) {
      await fleet.add('compositor');
      await untilAnnounced(fleet);
      losses.push(await lose(fleet, rooms, context));
      await fleet.agents.shift()?.stop('SIGKILL');
    }
    return { rooms: count, size: values.size, ...report(losses), load: Number((loadavg()[0] ?? 0).toFixed(2)) };
  } finally {
    rooms.close();
    await keepLogs(fleet, values.log);
    await fleet.stop();
  }
};

interface Loss {
  /** Of each room, seconds after the kill. */
  segments: number[];
  parts: number[];
  assigned: number[];
  taken: number[];
  gaps: number;
  lostFrames: number;
  sameUrl: boolean;
}

async function lose(fleet: FleetProcesses, rooms: FleetRooms, { say }: BenchContext): Promise<Loss> {
  await rooms.segments(SETTLE_SEGMENTS);
  const counted = await rooms.count();
  const gapsBefore = rooms.rooms.map(({ follower }) => follower.gaps.length);
  const [first, second] = fleet.agents;
  if (!first || !second) throw new Error('there are no two agents');
  const [killedAt, wall] = [performance.now(), Date.now()];
  await fleet.killAll(first);
  await rooms.segments(AFTER_SEGMENTS);
  const { lostFrames } = await counted();
  const seconds = (at: number) => Number(((at - killedAt) / 1000).toFixed(2));
  const told = (server: typeof second, msg: string) =>
    server
      .logs()
      .map((line) => ({ msg: line.msg, at: Date.parse(String(line.time)) }))
      .filter((line) => line.msg === msg && line.at >= wall)
      .map(({ at }) => Number(((at - wall) / 1000).toFixed(2)));
  const loss: Loss = {
    segments: rooms.rooms.map((room) => seconds(backAt(room, (name) => !name.includes('.')))),
    parts: rooms.rooms.map((room) => seconds(backAt(room, (name) => name.includes('.')))),
    assigned: told(second, 'compositor bound'),
    taken: told(fleet.delivery, 'take'),
    gaps: Math.max(...rooms.rooms.map(({ follower }, i) => follower.gaps.length - (gapsBefore[i] ?? 0))),
    lostFrames,
    sameUrl: rooms.rooms.every(
      ({ follower: { backwards, discontinuities, inits } }) =>
        backwards.length + discontinuities === 0 && inits.size === 1,
    ),
  };
  say(JSON.stringify(loss));
  return loss;
}

/** When the first of what `which` names, after the newest gap, was listed; Infinity when there was no gap, and so no loss. */
function backAt({ follower }: LiveRoom, which: (name: string) => boolean): number {
  const gap = follower.gaps.at(-1) ?? Number.POSITIVE_INFINITY;
  const times = [...follower.listedAt].filter(([name]) => which(name) && Math.floor(Number(name)) > gap);
  return Math.min(...times.map(([, at]) => at));
}

function report(losses: readonly Loss[]): Record<string, unknown> {
  const worst = (of: (loss: Loss) => readonly number[]) => Math.max(...losses.flatMap(of));
  return {
    back_s_max: worst(({ segments }) => segments),
    part_s_max: worst(({ parts }) => parts),
    assigned_s_max: worst(({ assigned }) => assigned),
    taken_s_max: worst(({ taken }) => taken),
    back_s: losses.map(({ segments }) => segments),
    gaps_max: Math.max(...losses.map(({ gaps }) => gaps)),
    lost_frames: losses.reduce((sum, { lostFrames }) => sum + lostFrames, 0),
    same_url: losses.every(({ sameUrl }) => sameUrl),
  };
}
