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
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BroadcastInput } from '../../src/contracts/broadcast.ts';
import { PlaylistFollower } from '../../test/support/PlaylistFollower.ts';
import { RolesApart } from '../../test/support/RolesApart.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { CaptureClock } from '../simulator/CaptureClock.ts';
import { ClipStore } from '../simulator/clip/ClipStore.ts';
import { Swarm } from '../simulator/Swarm.ts';
import { scrape } from './support/scrape.ts';

const SEGMENT_SECONDS = 2;
/** Before the signal, so that all rooms have settled, and after the end, so that what was lost is seen; segments. */
const SETTLE_SEGMENTS = 3;
const AFTER_SEGMENTS = 3;

interface Room {
  name: string;
  swarm: Swarm;
  /** There once it is live. */
  follower?: PlaylistFollower;
}

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      rooms: { type: 'string', default: '8' },
      size: { type: 'string', default: '320x180' },
      fps: { type: 'string', default: '15' },
      bitrate: { type: 'string', default: '200000' },
      handoffs: { type: 'string', default: '2' },
      warm: { type: 'string', default: '2' },
      log: { type: 'string' },
    },
  });
  const [rooms, handoffs] = [Number(values.rooms), Number(values.handoffs)];
  if (!(rooms >= 1 && rooms <= 100 && handoffs >= 1)) throw new Error('--rooms 1 to 100, --handoffs 1 or more');
  const [width, height] = values.size.split('x').map(Number);
  const { video } = BroadcastInput.parse({
    video: { width, height, fps: Number(values.fps), bitrate: Number(values.bitrate) },
  });
  const env = {
    LIANMAI_MAX_BROADCASTS: String(rooms),
    LIANMAI_MAX_HANDOFFS: String(handoffs),
    LIANMAI_WARM_COMPOSITORS: values.warm,
    LIANMAI_LOG_LEVEL: 'info',
  };
  const roles = await RolesApart.start(env, 2);
  const clips = new ClipStore();
  const opened: Room[] = [];
  try {
    await fill(roles, { clips, rooms, video }, opened, context);
    const result = await drain(roles, opened, video.fps * SEGMENT_SECONDS, context);
    return { rooms, size: values.size, handoffs, ...result, load: Number((loadavg()[0] ?? 0).toFixed(2)) };
  } finally {
    for (const { follower, swarm } of opened) {
      follower?.close();
      await swarm.stop();
    }
    if (values.log) {
      const servers = { sfu: roles.sfu, delivery: roles.delivery, agent0: roles.agents[0], agent1: roles.agents[1] };
      for (const [name, server] of Object.entries(servers))
        await writeFile(join(values.log, `${name}.log`), server?.output.join('\n') ?? '');
    }
    await roles.stop();
  }
};

/** Opens the rooms on the first agent: while it is alone it gets them all. Then the second one comes. */
async function fill(
  roles: RolesApart,
  { clips, rooms, video }: { clips: ClipStore; rooms: number; video: BroadcastInput['video'] },
  opened: Room[],
  { say, signal }: BenchContext,
): Promise<void> {
  const [, second] = roles.agents;
  if (!second) throw new Error('there is no second agent');
  await second.kill();
  const clock = new CaptureClock();
  for (let i = 0; i < rooms; i++) {
    signal.throwIfAborted();
    const name = `drain-${i}`;
    const token = () => roles.api.joinToken(name, 'host');
    const swarm = new Swarm({ url: roles.sfu.url, peers: 1, clips, clock, token });
    const room: Room = { name, swarm };
    opened.push(room);
    await swarm.start();
    const { playlist } = await roles.api.startBroadcast(name, { video });
    room.follower = await PlaylistFollower.start(`${roles.delivery.url}${playlist}`);
    say(`${name} is live`);
  }
  roles.agents[1] = await second.again();
}

async function drain(
  roles: RolesApart,
  opened: Room[],
  framesPerSegment: number,
  { say }: BenchContext,
): Promise<Record<string, unknown>> {
  const [first] = roles.agents;
  if (!first) throw new Error('there is no agent');
  await segments(opened, SETTLE_SEGMENTS);
  const before = await scrape(`${roles.sfu.internalUrl}/metrics`);
  const gapsBefore = gapsOf(opened);
  say('SIGTERM');
  const beganAt = performance.now();
  const exit = await first.stop('SIGTERM');
  const seconds = (performance.now() - beganAt) / 1000;
  say(`the agent is gone after ${seconds.toFixed(2)} s`);
  await segments(opened, AFTER_SEGMENTS);
  const after = await scrape(`${roles.sfu.internalUrl}/metrics`);
  const grown = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
  const gapFrames = (gapsOf(opened) - gapsBefore) * framesPerSegment;
  const tookMs = roles.sfu
    .logs()
    .flatMap(({ msg, tookMs }) => (msg === 'broadcast handed over' ? [Number(tookMs)] : []));
  return {
    seconds: Number(seconds.toFixed(2)),
    lost_frames: Math.max(grown('lianmai_lost_frames_total'), gapFrames),
    exit,
    handed_over: tookMs.length,
    attempts: grown('lianmai_handoffs_total'),
    handoff_s_max: Math.max(0, ...tookMs) / 1000,
    restarts: grown('lianmai_compositor_restarts_total'),
  };
}

const gapsOf = (opened: Room[]): number => opened.reduce((sum, { follower }) => sum + (follower?.gaps.length ?? 0), 0);

/** Until every room has so many further segments. */
async function segments(opened: Room[], count: number): Promise<void> {
  await Promise.all(
    opened.map(async ({ name, follower }) => {
      const until = (follower?.newest ?? 0) + count;
      await follower?.until(({ newest }) => newest >= until, `segments of ${name}`, 120_000);
    }),
  );
}
