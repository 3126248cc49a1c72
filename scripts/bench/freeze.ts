/**
 * A compositor process that stands still (SIGSTOP), while another agent has room, again and again: how soon it has a replacement. SFU, delivery,
 * Redis and two agents as processes of their own, in each room one simulated person who sends all the time.
 *
 *   assigned_s_max    from the end of its last part in the playlist to a replacement being bound; three late parts are 1.33 s of it; ≤ 1.5
 *   assigned_s        each time
 *   stopped_s         the same from SIGSTOP on
 *   refused           parts that it put when it was woken up after its replacement was there, and that delivery did not take
 *   gaps_max          segments that a room lost, and was told so
 *   same_url          no playlist went back, no discontinuity, one init segment
 *
 * --rooms N (2), --repeat N (4), --size, --fps, --bitrate, --log FOLDER keeps the processes' logs.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { FleetProcesses } from '../../test/support/FleetProcesses.ts';
import type { LogLine } from '../../test/support/ServerProcess.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { FleetRooms, keepLogs, type LiveRoom, untilAnnounced, VIDEO_OPTIONS, videoOf } from './support/FleetRooms.ts';
import { scrape } from './support/scrape.ts';

const SETTLE_SEGMENTS = 3;
const PART_SECONDS = 1 / 3;
const REPLACED_LIMIT_MS = 30_000;

interface Freeze {
  assigned: number;
  stopped: number;
  refused: number;
  gaps: number;
}

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      ...VIDEO_OPTIONS,
      rooms: { type: 'string', default: '2' },
      repeat: { type: 'string', default: '4' },
    },
  });
  const [count, repeat] = [Number(values.rooms), Number(values.repeat)];
  if (!(count >= 1 && count <= 20 && repeat >= 1)) throw new Error('--rooms 1 to 20, --repeat 1 or more');
  const env = { LIANMAI_MAX_BROADCASTS: String(count + 1), LIANMAI_LOG_LEVEL: 'info' };
  const fleet = await FleetProcesses.start({ redis: true, agents: 2, env });
  const rooms = new FleetRooms(fleet, videoOf(values), context);
  try {
    await untilAnnounced(fleet);
    await rooms.open(count);
    const freezes: Freeze[] = [];
    for (let turn = 0; turn < repeat; turn++) {
      await rooms.segments(SETTLE_SEGMENTS);
      const room = rooms.rooms[turn % count];
      if (room) freezes.push(await freeze(fleet, room, context));
    }
    const { load, ...rest } = report(freezes, rooms);
    return { rooms: count, size: values.size, ...rest, load };
  } finally {
    rooms.close();
    await keepLogs(fleet, values.log);
    await fleet.stop();
  }
};

async function freeze(fleet: FleetProcesses, { name, follower }: LiveRoom, { say, signal }: BenchContext) {
  signal.throwIfAborted();
  const { id } = await fleet.api.broadcast(name);
  const bound = () =>
    fleet.agents
      .flatMap((agent) => agent.logs())
      .filter((line) => line.msg === 'compositor bound' && line.broadcast === id)
      .toSorted((a, b) => at(a) - at(b));
  const [before, gaps] = [bound(), follower.gaps.length];
  const pid = Number(before.at(-1)?.pid);
  const stoppedAt = Date.now();
  process.kill(pid, 'SIGSTOP');
  const newest = follower.newest;
  await follower.until(() => bound().length > before.length, 'a replacement', REPLACED_LIMIT_MS);
  const boundAt = at(bound().at(-1));
  // Of what is listed then nothing is the replacement's.
  const lastPartAt = endOfLastPart(follower.text);
  const refused = async () =>
    (await scrape(`${fleet.delivery.internalUrl}/metrics`)).lianmai_delivery_puts_refused_total ?? 0;
  const refusedBefore = await refused();
  await follower.until((now) => now.gaps.length > gaps && now.newest > newest + 1, 'the gap and what follows it');
  // It may be dead by then.
  if (fleet.agents.some((agent) => agent.child.exitCode === null)) process.kill(pid, 'SIGCONT');
  await follower.until((now) => now.newest >= newest + 4, 'further segments');
  const seconds = (ms: number) => Number((ms / 1000).toFixed(3));
  const result: Freeze = {
    assigned: seconds(boundAt - lastPartAt),
    stopped: seconds(boundAt - stoppedAt),
    refused: (await refused()) - refusedBefore,
    gaps: follower.gaps.length - gaps,
  };
  say(JSON.stringify(result));
  return result;
}

const at = (line: LogLine | undefined): number => Date.parse(String(line?.time));

/** Wall clock of the end of the newest part that is there, by EXT-X-PROGRAM-DATE-TIME of its segment, ms since 1970. */
function endOfLastPart(playlist: string): number {
  let [start, parts, end] = [0, 0, 0];
  for (const line of playlist.split('\n')) {
    const [, date] = /^#EXT-X-PROGRAM-DATE-TIME:(.+)$/.exec(line) ?? [];
    if (date) [start, parts] = [Date.parse(date), 0];
    if (/^#EXT-X-PART:/.test(line) && !line.includes('GAP=YES')) end = start + ++parts * PART_SECONDS * 1000;
  }
  return end;
}

function report(freezes: readonly Freeze[], rooms: FleetRooms) {
  return {
    assigned_s_max: Math.max(...freezes.map(({ assigned }) => assigned)),
    assigned_s: freezes.map(({ assigned }) => assigned),
    stopped_s: freezes.map(({ stopped }) => stopped),
    refused: freezes.reduce((sum, { refused }) => sum + refused, 0),
    gaps_max: Math.max(...freezes.map(({ gaps }) => gaps)),
    same_url: rooms.rooms.every(
      ({ follower: { backwards, discontinuities, inits } }) =>
        backwards.length + discontinuities === 0 && inits.size === 1,
    ),
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}
