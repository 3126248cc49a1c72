/**
 * The program's cadence while everything happens: each 2 s another scene, and in between people join, leave, mute, turn cameras off
 * and on. Recorded as a viewer gets it, and read back afterwards: each cell's code, each peer's beep.
 *
 *   missing, doubled   pictures of a visible cell that were never shown, or shown twice; of each peer one is allowed for each 100 s that it
 *                      was seen, for drift of clocks; 0
 *   av_offset_ms_max   flash to beep, largest of all peers after their first second; ≤ 50
 *   freeze_ms_max      longest time that a visible cell showed one picture; ≤ 100
 *   audio_gaps         jumps of a beep's phase, silences over 5 ms in a beep, beeps that are not there; 0
 *
 * --seconds N (180), --peers N (8), --size WIDTHxHEIGHT of the program (1280x720), --pause MS: the compositor stands still for so long every 5 s (SIGSTOP), --keep FOLDER keeps the recording, the server's log and all that was read.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { receiveDrops } from '../../src/common/udpBuffers.ts';
import { decodeMedia } from '../../test/support/program/decodeMedia.ts';
import { ShowReader } from '../../test/support/program/readShow.ts';
import type { Bench } from '../bench.ts';
import { type CadenceReading, judgeCadence } from './support/cadenceJudge.ts';
import { planActions, SCENE_EVERY_SECONDS, sceneOf } from './support/cadencePlan.ts';
import { LiveShow, type LiveShowOptions, makeClips, type Recording } from './support/LiveShow.ts';
import { simulatorFigures } from './support/SimulatorProcess.ts';
import { roomsOf } from './support/story.ts';

const FPS = 30;
/** From going live to the first change, seconds: what starts with the program is over. */
const SETTLE_SECONDS = 4;
/** With --pause. */
const PAUSE_EVERY_MS = 5_000;

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      peers: { type: 'string', default: '8' },
      seconds: { type: 'string', default: '180' },
      size: { type: 'string', default: '1280x720' },
      pause: { type: 'string', default: '0' },
      keep: { type: 'string' },
    },
  });
  const [peers, seconds] = [Number(values.peers), Number(values.seconds)];
  if (!(peers >= 2 && peers <= 16 && seconds >= 10)) throw new Error('--peers 2 to 16, --seconds 10 or more');
  const [width = 0, height = 0] = values.size.split('x').map(Number);
  const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'lianmai-bench-')));
  try {
    await makeClips(peers, context);
    const dropsBefore = receiveDrops();
    const recording = await direct({ ...context, folder, peers, width, height }, seconds, Number(values.pause));
    const drops = dropsBefore === null ? null : (receiveDrops() ?? dropsBefore) - dropsBefore;
    const load = Number((loadavg()[0] ?? 0).toFixed(2));
    if (values.keep) await writeFile(join(folder, 'recording.json'), JSON.stringify(recording));
    context.say('reading the recorded program …');
    const reading = await readCadence(recording, width, height);
    const { details, ...result } = judgeCadence(reading, FPS);
    if (values.keep) await writeFile(join(folder, 'details.json'), JSON.stringify(details, null, 1));
    return { peers, seconds, ...result, ...figures(recording), udp_receive_drops: drops, load };
  } finally {
    if (!values.keep) await rm(folder, { recursive: true, force: true });
  }
};

type Direction = Omit<LiveShowOptions, 'present'>;

async function direct(direction: Direction, seconds: number, pauseMs: number): Promise<Recording> {
  const { peers, signal, say } = direction;
  await using show = await LiveShow.start({ ...direction, present: peers });
  const begin = show.now + SETTLE_SECONDS;
  const until = (at: number) => delay(Math.max(0, (begin + at - show.now) * 1000), undefined, { signal });
  const present = new Map(Array.from({ length: peers }, (_, peer) => [peer, true]));
  const ids = () => {
    const joined = show.simulator.events().filter((event) => event.event === 'joined');
    return [...present].flatMap(([peer, here]) => (here ? (joined.findLast((e) => e.peer === peer)?.id ?? []) : []));
  };
  const actions = planActions(peers, seconds);
  const pause = pauseMs > 0 ? setInterval(() => void show.pauseCompositor(pauseMs), PAUSE_EVERY_MS) : undefined;
  using _ = { [Symbol.dispose]: () => clearInterval(pause) };
  for (let at = 0, turn = 0; at < seconds; at += SCENE_EVERY_SECONDS, turn++) {
    await until(at);
    await show.setScene(sceneOf(turn, ids()));
    for (const action of actions.filter((a) => a.at >= at && a.at < at + SCENE_EVERY_SECONDS)) {
      await until(action.at);
      if (action.do === 'leave') present.set(action.peer, false);
      show.simulator.do(action.peer, action.do);
      if (action.do === 'join') present.set(action.peer, true);
    }
    if (turn % 15 === 0) say(`${at} of ${seconds} s`);
  }
  await show.recordedTo(begin + seconds);
  // Awaited here: the show ends with this block.
  return await show.finish();
}

async function readCadence(recording: Recording, width: number, height: number): Promise<CadenceReading> {
  const { epochMs, seated, events, scenes } = recording;
  const rooms = roomsOf(events, { epochMs, fps: FPS, seated });
  const reader = new ShowReader({ width, height, fps: FPS, scenes, rooms });
  await decodeMedia(recording.video, { onPicture: (picture, at) => reader.look(picture, at) });
  const { audio } = await decodeMedia(recording.audio);
  if (!audio) throw new Error('the recording has no sound');
  return { frames: reader.frames(), sound: audio.sound, events, epochMs };
}

function figures({ metrics, cpu, gaps, simulated }: Recording) {
  return {
    frames_composed: metrics.lianmai_compositor_frames_total ?? 0,
    frames_late: metrics.lianmai_compositor_late_frames_total ?? 0,
    frames_repeated: metrics.lianmai_compositor_repeated_frames_total ?? 0,
    segments_lost: gaps,
    cpu_percent_of_core: cpu,
    simulator: simulatorFigures(simulated),
  };
}
