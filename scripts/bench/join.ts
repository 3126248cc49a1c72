/**
 * How long it takes until something that somebody does is in the program, others being there: a peer joins, turns its camera off, leaves,
 * and the scene changes, again and again. Recorded as a viewer gets it, and read back afterwards. Program time of a frame minus
 * the wall clock at which the thing was done; the broadcast's epoch joins the two.
 *
 *   first_pixel_ms_p95  from a peer's first RTP packet to the first frame in which its code is readable; ≤ 500
 *   placeholder_ms_p95  from the moment at which it turns its camera off to the first frame without its picture; ≤ 300
 *   scene_frames_max    from the frame that the answer to the new scene names to the first frame that is wholly the new scene, less the
 *                       transition's frames; ≤ 2. Scenes change by cut and by transition in turn. `scene_ms`: from the request.
 *
 * --repeat N (20), --peers N (8), --size WIDTHxHEIGHT of the program (1280x720), --keep FOLDER keeps recording and log.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { decodeMedia } from '../../test/support/program/decodeMedia.ts';
import { ShowReader } from '../../test/support/program/readShow.ts';
import type { Bench } from '../bench.ts';
import type { Step } from '../simulator/script.ts';
import { judgeJoin } from './support/joinJudge.ts';
import { LiveShow, type LiveShowOptions, makeClips, type Recording } from './support/LiveShow.ts';
import { roomsOf } from './support/story.ts';

const FPS = 30;
/** Between two things that are done, so that each is over before the next, ms; odd, so that all phases of frames occur. */
const BETWEEN_MS = 811;

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      peers: { type: 'string', default: '8' },
      repeat: { type: 'string', default: '20' },
      size: { type: 'string', default: '1280x720' },
      keep: { type: 'string' },
    },
  });
  const [peers, repeat] = [Number(values.peers), Number(values.repeat)];
  if (!(peers >= 3 && peers <= 16 && repeat >= 1)) throw new Error('--peers 3 to 16, --repeat 1 or more');
  const [width = 0, height = 0] = values.size.split('x').map(Number);
  const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'lianmai-bench-')));
  try {
    await makeClips(peers, context);
    const recording = await direct({ ...context, folder, peers, width, height }, repeat);
    const load = Number((loadavg()[0] ?? 0).toFixed(2));
    if (values.keep) await writeFile(join(folder, 'recording.json'), JSON.stringify(recording));
    context.say('reading the recorded program …');
    const { epochMs, seated, events, scenes, metrics, cpu } = recording;
    const rooms = roomsOf(events, { epochMs, fps: FPS, seated });
    const reader = new ShowReader({ width, height, fps: FPS, scenes, rooms });
    await decodeMedia(recording.video, { onPicture: (picture, at) => reader.look(picture, at) });
    const result = judgeJoin({ frames: reader.frames(), events, scenes, epochMs }, FPS);
    const late = metrics.lianmai_compositor_late_frames_total ?? 0;
    return { peers, repeat, ...result, frames_late: late, cpu_percent_of_core: cpu, load };
  } finally {
    if (!values.keep) await rm(folder, { recursive: true, force: true });
  }
};

/** The last peer comes and goes; the others are there all the time. */
async function direct(direction: Omit<LiveShowOptions, 'present'>, repeat: number): Promise<Recording> {
  const { peers, signal, say } = direction;
  await using show = await LiveShow.start({ ...direction, present: peers - 1 });
  const { simulator } = show;
  const guest = peers - 1;
  const rest = () => delay(BETWEEN_MS, undefined, { signal });
  const done = (what: Step['do']) => simulator.events().filter((e) => e.event === 'did' && e.do === what).length;
  const act = async (what: Step['do']) => {
    const before = done(what);
    simulator.do(guest, what);
    await simulator.event(() => done(what) > before);
    await rest();
  };
  await show.recordedTo(2);
  const { seats } = show;
  for (let turn = 0; turn < repeat; turn++) {
    await act('join');
    const order = seats.map((_, i) => seats[(i + turn + 1) % seats.length] ?? '');
    await show.setScene({ order, transition: turn % 2 === 0 ? { type: 'cut' } : {} });
    await rest();
    await act('camera-off');
    await act('leave');
    if (turn % 5 === 0) say(`${turn + 1} of ${repeat}`);
  }
  await show.recordedTo(show.now);
  return await show.finish();
}
