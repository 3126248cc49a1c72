/**
 * Hot standby: a second compositor works in the shadow, and the one at work is killed in the middle of a segment, twice. Real processes: SFU, delivery,
 * two agents, an RTMP server, a simulated person. The tests go on from each other.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseMetrics } from '../../scripts/bench/support/scrape.ts';
import { RecordingList } from '../../src/contracts/recording.ts';
import { isAlive } from '../support/childProcesses.ts';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { decodeMedia } from '../support/program/decodeMedia.ts';
import { HlsRecorder } from '../support/program/HlsRecorder.ts';
import { readProgram } from '../support/program/readProgram.ts';
import { breaks, cadence } from '../support/program/timeline.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { eventually } from '../support/ServerProcess.ts';

const ROOM = 'standby';
const KEY = 'standby-key';

let folder: string;
let rtmp: RtmpServer;
let fleet: FleetProcesses;
let recorder: HlsRecorder;
let follower: PlaylistFollower;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-standby-'));
  [rtmp, fleet] = await Promise.all([
    RtmpServer.start(),
    FleetProcesses.start({ agents: 2, env: { LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' } }),
  ]);
  await fleet.person(ROOM);
  const { playlist } = await fleet.api.startBroadcast(ROOM, {
    ...{ video: SMALL, standby: true, record: true },
    destinations: [{ url: rtmp.url, key: KEY }],
  });
  const url = `${fleet.origin}${playlist}`;
  [recorder, follower] = await Promise.all([HlsRecorder.start({ url, folder }), PlaylistFollower.start(url)]);
});

afterAll(async () => {
  follower?.close();
  await recorder?.stop();
  await fleet?.stop();
  await rtmp?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Processes of the broadcast's compositors that live, the oldest first: that one is at work. */
const working = (): { pid: number; agent: number }[] =>
  fleet.agents
    .flatMap((server, agent) =>
      server
        .logs()
        .filter(({ msg, compositor }) => msg === 'compositor bound' && compositor)
        .map(({ pid, time }) => ({ pid: Number(pid), agent, at: Date.parse(String(time)) })),
    )
    .filter(({ pid }) => isAlive(pid))
    .toSorted((a, b) => a.at - b.at);

/** Until a standby has stood by for a whole segment. */
async function standsBy(count: number): Promise<void> {
  const ready = () => fleet.sfu.logs().filter(({ msg }) => msg === 'standby ready');
  await eventually(() => ready().length >= count, 'a standby is ready');
  const from = Number(ready().at(-1)?.from);
  await follower.until(({ newest }) => newest > from, 'it has stood by for a while');
}

/** Parts of the segment that is open are listed: who is at work is killed in its middle. */
async function killInTheMiddle(): Promise<void> {
  const open = () => follower.text.split(/^\d+\.m4s$/m).at(-1) ?? '';
  await follower.until(() => (open().match(/^#EXT-X-PART:/gm)?.length ?? 0) >= 2, 'parts of an open segment');
  process.kill(working()[0]?.pid ?? 0, 'SIGKILL');
}

describe('hot standby', () => {
  test('it is on another agent than the compositor at work', async () => {
    await standsBy(1);
    expect(
      working()
        .map(({ agent }) => agent)
        .toSorted(),
    ).toEqual([0, 1]);
  });

  test('the compositor at work is killed: the standby has the broadcast, and there is another standby', async () => {
    const standby = working()[1]?.pid;
    const { newest } = follower;
    await killInTheMiddle();
    await follower.until((now) => now.newest >= newest + 3, 'the program goes on');
    expect(await fleet.api.broadcast(ROOM)).toMatchObject({ state: 'live', restarts: 1 });
    await standsBy(2);
    expect([working().length, working()[0]?.pid]).toEqual([2, standby]);
  });

  test('and again', async () => {
    const { newest } = follower;
    await killInTheMiddle();
    await follower.until((now) => now.newest >= newest + 3, 'the program goes on');
    expect(await fleet.api.broadcast(ROOM)).toMatchObject({ state: 'live', restarts: 2 });
    await fleet.api.stopBroadcast(ROOM);
    await recorder.finished();
    await eventually(() => working().length === 0, 'no compositor is left');
  });

  test('plain HLS lost nothing: no gap, every frame of the grid once, the sound without a hole', async () => {
    for (const { gaps, missed, discontinuities, inits } of recorder.tracks)
      expect([gaps, missed, discontinuities, inits.size]).toEqual([[], 0, 0, 1]);
    expect([follower.gaps, follower.backwards]).toEqual([[], []]);
    const file = (name: string) => recorder.tracks.find((track) => track.name === name)?.file ?? '';
    const program = await readProgram({ inputs: [file('v180'), file('a0')] });
    expect(cadence(program.videoTimes, SMALL.fps)).toMatchObject({ missing: 0, doubled: 0, offGrid: 0 });
    expect(breaks(program.audioPackets)).toEqual([]);
    expect(program.peers.get(0)?.counters.backwards).toBe(0);
    expect(parseMetrics(await fleet.metrics(fleet.sfu)).lianmai_lost_frames_total).toBe(0);
  });

  test('so did the recording', async () => {
    const list = async () => RecordingList.parse(await fleet.get('/v1/recordings')).recordings[0];
    await eventually(async () => (await list())?.state === 'finished', 'the recording is finished');
    expect(await list()).toMatchObject({ complete: true, slateSegments: 0 });
  });

  test('the RTMP server saw one publisher, and times without a hole', async () => {
    await rtmp.waitFor((call) => call.call === 'record_done' && call.name === KEY);
    expect(rtmp.publishes(KEY)).toBe(1);
    const [flv = ''] = await rtmp.recordings();
    const { video } = await decodeMedia(flv);
    const times = video?.packets.map(({ at }) => at) ?? [];
    // FLV's times are whole milliseconds.
    expect(cadence(times, SMALL.fps, 0.002)).toMatchObject({ missing: 0, doubled: 0, offGrid: 0 });
  });
});
