/**
 * Handoff: a broadcast goes from one compositor agent to another while it is live, and its program is read back. Real processes: SFU, delivery, two
 * agents, an RTMP server, a simulated person. What can go wrong is handoffAccidents.test.ts's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { agentsOf, bound, handoffs, metricsOf } from '../support/agentsAtWork.ts';
import { isAlive } from '../support/childProcesses.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { beepFaults } from '../support/program/beepFaults.ts';
import { decodeMedia } from '../support/program/decodeMedia.ts';
import { HlsRecorder } from '../support/program/HlsRecorder.ts';
import { readProgram } from '../support/program/readProgram.ts';
import { breaks, cadence } from '../support/program/timeline.ts';
import { RolesApart } from '../support/RolesApart.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { descendantsOf, eventually } from '../support/ServerProcess.ts';

const FPS = 30;
const START = { video: { width: 320, height: 180, fps: FPS, bitrate: 200_000 } } as const;

let folder: string;
let rtmp: RtmpServer;
let roles: RolesApart;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-handoff-'));
  [rtmp, roles] = await Promise.all([
    RtmpServer.start(),
    RolesApart.start({ LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' }, 2),
  ]);
});

afterAll(async () => {
  await roles?.stop();
  await rtmp?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A room with one person, who sends all the time. */
async function someone(room: string): Promise<Swarm> {
  const swarm = new Swarm({ url: roles.sfu.url, peers: 1, token: () => roles.api.joinToken(room, 'host') });
  await swarm.start();
  return swarm;
}

describe('SIGTERM on an agent', () => {
  const ROOM = 'drain';
  const KEY = 'handoff-key';
  let recorder: HlsRecorder;
  let follower: PlaylistFollower;

  test('its broadcast goes to another agent, and the process ends with 0', async () => {
    const swarm = await someone(ROOM);
    try {
      const { playlist } = await roles.api.startBroadcast(ROOM, {
        ...START,
        destinations: [{ url: rtmp.url, key: KEY }],
      });
      const url = `${roles.delivery.url}${playlist}`;
      [recorder, follower] = await Promise.all([HlsRecorder.start({ url, folder }), PlaylistFollower.start(url)]);
      await rtmp.waitFor((call) => call.call === 'publish' && call.name === KEY);
      await recorder.segments(3);
      const [first, second] = agentsOf(roles);
      const processes = [first.pid, ...(await descendantsOf(first.pid)).map(({ pid }) => pid)];
      const exit = first.stop('SIGTERM');
      await eventually(async () => (await fetch(`${first.internalUrl}/readyz`)).status === 503, 'it takes no work');
      expect(await (await fetch(`${first.internalUrl}/readyz`)).json()).toEqual({ ready: false, reason: 'draining' });
      expect((await metricsOf(first)).lianmai_compositor_draining).toBe(1);
      expect((await fetch(`${first.internalUrl}/healthz`)).status).toBe(200);
      expect(await exit).toBe(0);
      expect(processes.filter(isAlive)).toEqual([]);
      expect([bound(first).length, bound(second).length]).toEqual([1, 1]);
      const since = recorder.tracks[0]?.segments.length ?? 0;
      await recorder.segments(since + 3);
      expect(await roles.api.broadcast(ROOM)).toMatchObject({ state: 'live', restarts: 0 });
      await roles.api.stopBroadcast(ROOM);
      await recorder.finished();
    } finally {
      follower?.close();
      await swarm.stop();
    }
    expect(roles.sfu.logs().filter(({ state }) => state === 'live -> recovering')).toEqual([]);
    expect([await handoffs(roles, 'done'), (await metricsOf(roles.sfu)).lianmai_lost_frames_total]).toEqual([1, 0]);
  });

  test('viewers: no gap, no discontinuity, one init segment, no step back', () => {
    for (const { gaps, missed, discontinuities, inits } of recorder.tracks)
      expect([gaps, missed, discontinuities, inits.size]).toEqual([[], 0, 0, 1]);
    expect(follower.backwards).toEqual([]);
  });

  test('every frame of the grid is there once, the picture goes on, the sound has no hole and no jump', async () => {
    const file = (name: string) => recorder.tracks.find((track) => track.name === name)?.file ?? '';
    const program = await readProgram({ inputs: [file('v180'), file('a0')] });
    expect(cadence(program.videoTimes, FPS)).toMatchObject({ missing: 0, doubled: 0, offGrid: 0 });
    expect(breaks(program.audioPackets)).toEqual([]);
    const counters = program.peers.get(0)?.counters;
    expect(counters?.backwards).toBe(0);
    expect((counters?.skips ?? 99) + (counters?.repeats ?? 99)).toBeLessThanOrEqual(2);
    const { audio } = await decodeMedia(file('a0'));
    expect(audio?.gaps).toBe(0);
    // The first second is the beginning of somebody's sending.
    const { beeps, faults } = beepFaults(audio!.sound, 0, audio!.sound.start + 1, Number.POSITIVE_INFINITY);
    expect(beeps.length).toBeGreaterThan(3);
    expect(faults).toEqual([]);
  });

  test('the RTMP server saw one publisher, and the same frames', async () => {
    await rtmp.waitFor((call) => call.call === 'record_done' && call.name === KEY);
    const calls = rtmp.calls.filter(({ name, call }) => name === KEY && call.startsWith('publish'));
    expect(calls.map(({ call }) => call)).toEqual(['publish', 'publish_done']);
    const [flv = ''] = await rtmp.recordings();
    const { video, audio } = await decodeMedia(flv);
    // FLV's times are whole milliseconds.
    const times = video?.packets.map(({ at }) => at) ?? [];
    expect(times.length).toBeGreaterThan(6 * FPS);
    expect(cadence(times, FPS, 0.002)).toMatchObject({ missing: 0, doubled: 0, offGrid: 0 });
    expect(audio?.gaps).toBe(0);
  });
});
