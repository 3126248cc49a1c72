/**
 * A rolling restart of every role under load: two SFU nodes, two delivery nodes, three compositor agents and Redis as processes of their own, rooms with
 * one simulated person each, an RTMP server behind the first, whose watch page is open in a real Chromium at the live edge. One node after the other gets SIGTERM,
 * is started again, and is ready, before it is the next one's turn.
 *
 *   stalls         of hls.js, as `bench latency` counts them; 0
 *   stalled_s      how long the player's clock stood still in all (standstills above 150 ms); 0
 *   lost_frames    of all programs, missing on the grid of what a player can fetch; 0
 *   doubled_frames, sound_breaks, gaps, backwards, discontinuities; 0
 *   publishes      RTMP connects beyond the first; one for each delivery node that went while it had the room (`moves`)
 *   publishers_max at one time; 1
 *   restarts       compositors that were lost and replaced; 0
 *   exits          of all processes; 0
 *   away_s         how long people were without a connection, each time
 *   parts_late_s   of each room: the latest that a part was listed, beyond the usual; a player at the live edge has about 1 s in hand
 *   seconds        from the first SIGTERM to the last node being ready again
 *   nodes          of each restart how long it took, and the share of time in which some process waited for a core
 *
 * --roles LIST (compositor,delivery,sfu; none), --rooms N (2), --handoffs N of the watched room by the API before that (0), --idle N s of watching before all
 * (0: counted apart), --nice N of a process until it is ready (0), as on a machine of its own, --size, --fps, --bitrate, --log FOLDER keeps the processes' logs.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { launchBrowser } from '../../test/support/browser.ts';
import { FleetProcesses, type FleetRole } from '../../test/support/FleetProcesses.ts';
import { RtmpServer } from '../../test/support/rtmpServer.ts';
import type { ServerProcess } from '../../test/support/ServerProcess.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { Absences } from './rolling/Absences.ts';
import { type Restarted, restartNode } from './rolling/restartNode.ts';
import { cpuWait } from './support/cpuWait.ts';
import { FleetRooms, keepLogs, untilAnnounced, VIDEO_OPTIONS, videoOf } from './support/FleetRooms.ts';
import { Kept } from './support/Kept.ts';
import { partsLate } from './support/partsLate.ts';
import { Viewer } from './support/Viewer.ts';

const KEY = 'bench-key';
const SETTLE_SEGMENTS = 4;
const AFTER_SEGMENTS = 4;
/** Of a segment, and of a part. */
const GRID_MS = { segmentMs: 2000, partMs: 1000 / 3 };
const ROLES: readonly FleetRole[] = ['compositor', 'delivery', 'sfu'];

interface Plan {
  roles: readonly FleetRole[];
  handoffs: number;
  idle: number;
  niceness: number;
}

interface Scene {
  fleet: FleetProcesses;
  rooms: FleetRooms;
  viewer: Viewer;
  rtmp: RtmpServer;
}

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      ...VIDEO_OPTIONS,
      roles: { type: 'string', default: ROLES.join() },
      rooms: { type: 'string', default: '2' },
      handoffs: { type: 'string', default: '0' },
      idle: { type: 'string', default: '0' },
      nice: { type: 'string', default: '0' },
    },
  });
  const roles = ROLES.filter((role) => values.roles.split(',').includes(role));
  const [count, handoffs, idle, niceness] = [values.rooms, values.handoffs, values.idle, values.nice].map(Number) as [
    ...[number, number, number, number],
  ];
  if (!(count >= 1 && handoffs >= 0 && idle >= 0 && niceness >= 0 && niceness <= 19))
    throw new Error('--rooms 1 or more, --handoffs and --idle 0 or more, --nice 0 to 19');
  const video = videoOf(values);
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const rtmp = await RtmpServer.start();
  stack.defer(() => rtmp.close());
  const env = { LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true', LIANMAI_LOG_LEVEL: 'info' };
  const shape = { sfus: 2, deliveries: 2, agents: 3 } as const;
  const fleet = await FleetProcesses.start({ ...shape, redis: true, delivery: 'announced', env });
  stack.defer(() => fleet.stop());
  stack.defer(() => keepLogs(fleet, values.log));
  await untilAnnounced(fleet, [...fleet.sfus, ...fleet.deliveries, ...fleet.agents]);
  const rooms = new FleetRooms(fleet, video, context);
  stack.defer(() => rooms.close());
  await rooms.open(1, { destinations: [{ name: 'cdn', url: rtmp.url, key: KEY }] });
  await rooms.open(count - 1);
  const browser = await launchBrowser();
  stack.defer(() => browser.close());
  const size = { width: video.width, height: video.height };
  const viewer = await Viewer.open(browser.browser, `${fleet.origin}/watch/${rooms.rooms[0]?.name}`, size);
  const kept = await Promise.all(
    rooms.rooms.map(({ name, playlist }) => Kept.start(`${fleet.origin}${playlist}`, join(folder, name))),
  );
  const result = await roll({ fleet, rooms, viewer, rtmp }, { roles, handoffs, idle, niceness }, context);
  await browser.close();
  const judged = await Promise.all(kept.map((program) => program.judge(video.fps)));
  const sum = (of: 'frames' | 'missing' | 'doubled' | 'soundBreaks') => judged.reduce((all, one) => all + one[of], 0);
  return {
    rooms: count,
    size: values.size,
    nice: niceness,
    ...result,
    ...{ frames: sum('frames'), lost_frames: sum('missing') },
    ...{ doubled_frames: sum('doubled'), sound_breaks: sum('soundBreaks') },
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
};

async function roll(scene: Scene, plan: Plan, { say, signal }: BenchContext): Promise<Record<string, unknown>> {
  const { fleet, rooms, viewer, rtmp } = scene;
  await rooms.segments(SETTLE_SEGMENTS);
  await viewer.count();
  const idleWait = await cpuWait();
  if (plan.idle > 0) await delay(plan.idle * 1000, undefined, { signal });
  const idle = plan.idle > 0 ? { ...(await viewer.viewed()), cpu_wait: await idleWait() } : null;
  const absences = new Absences();
  for (const { person } of rooms.rooms) absences.follow(person);
  await viewer.count();
  const beganAt = performance.now();
  const handoffs = await handOver(scene, plan.handoffs, beganAt, say);
  const nodes: Restarted[] = [];
  const all: ServerProcess[] = [...fleet.deliveries];
  for (const role of plan.roles)
    for (const node of [...fleet.nodes(role)]) {
      signal.throwIfAborted();
      const { restarted, next } = await restartNode(fleet, node, { role, niceness: plan.niceness, beganAt });
      say(`${role}: gone after ${restarted.drain_s} s, back after ${restarted.start_s} s`);
      nodes.push(restarted);
      all.push(next);
    }
  const seconds = Number(((performance.now() - beganAt) / 1000).toFixed(2));
  await rooms.segments(AFTER_SEGMENTS);
  const seen = await viewer.viewed();
  const late = rooms.rooms.map(({ follower }) => partsLate(follower.listedAt, { fromMs: beganAt, ...GRID_MS }));
  const followers = rooms.rooms.map(({ follower }) => follower);
  const statuses = await Promise.all(rooms.rooms.map(({ name }) => fleet.api.broadcast(name)));
  const ofFirst = (line: { msg: string; broadcast?: unknown }) =>
    line.msg === 'broadcast moved to another node' && line.broadcast === statuses[0]?.id;
  return {
    ...{ seconds, stalls: seen.stalls, stalled_s: seen.stalledS, gaps: rooms.gaps },
    backwards: followers.reduce((sum, { backwards }) => sum + backwards.length, 0),
    discontinuities: followers.reduce((sum, { discontinuities }) => sum + discontinuities, 0),
    publishes: rtmp.publishes(KEY) - 1,
    publishers_max: rtmp.mostPublishers(KEY),
    moves: all.flatMap((node) => node.logs().filter(ofFirst)).length,
    restarts: statuses.reduce((sum, { restarts }) => sum + restarts, 0),
    exits: nodes.map(({ exit }) => exit),
    parts_late_s: late,
    ...{ away_s: absences.seconds, away: absences.away },
    ...{ viewer: seen, idle, handoffs, nodes },
  };
}

/** Of the first room, each when some segments have come since the last; when and how long, s. */
async function handOver({ fleet, rooms }: Scene, count: number, beganAt: number, say: (line: string) => void) {
  const done: { at: number; s: number; cpu_wait: number | null }[] = [];
  for (let i = 0; i < count; i++) {
    const [wait, at] = [await cpuWait(), performance.now()];
    await fleet.api.handOver(rooms.rooms[0]?.name ?? '');
    const s = Number(((performance.now() - at) / 1000).toFixed(2));
    done.push({ at: Number(((at - beganAt) / 1000).toFixed(2)), s, cpu_wait: await wait() });
    say(`handoff ${i + 1} after ${s} s`);
    await rooms.segments(AFTER_SEGMENTS);
  }
  return done;
}
