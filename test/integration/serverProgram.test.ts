/** The program of the whole server, read back from its HLS output: H.264 people, cameras that go off, an empty room. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { HlsRecorder } from '../support/program/HlsRecorder.ts';
import { readProgram } from '../support/program/readProgram.ts';
import { cadence } from '../support/program/timeline.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'program';

let folder: string;
let server: ServerProcess;
let api: ServerApi;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-program-'));
  server = await ServerProcess.start();
  api = new ServerApi(server.url);
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const composes = async () => (await api.broadcast(ROOM)).fps > 0;

test('H.264 people come, switch the camera off, mute, and go; the empty program is a slate, and ends after its grace', async () => {
  const swarm = new Swarm({ url: server.url, peers: 2, codec: 'h264', token: () => api.joinToken(ROOM, 'host') });
  await swarm.start();
  const started = await api.startBroadcast(ROOM, { emptyGraceSeconds: 3 });
  const recorder = await HlsRecorder.start({ url: `${server.url}${started.playlist}`, folder });
  await eventually(composes, 'frames are composed');
  await recorder.segments(3);

  // One camera off and one microphone muted: a placeholder, and one beep less.
  await swarm.peer(1)?.setCameraOff(true);
  await swarm.peer(0)?.setMuted(true);
  await recorder.segments(6);

  await swarm.stop();
  await recorder.finished();
  const ended = await api.broadcast(ROOM);
  expect([ended.state, ended.endReason]).toEqual(['ended', 'empty']);

  const track = (name: string) => recorder.tracks.find((t) => t.name === name);
  for (const t of recorder.tracks) expect([t.gaps, t.missed, t.discontinuities, t.inits.size]).toEqual([[], 0, 0, 1]);
  const program = await readProgram({ inputs: [track('v720')?.file ?? '', track('a0')?.file ?? ''] });
  expect(cadence(program.videoTimes, 30)).toMatchObject({ missing: 0, doubled: 0 });

  const start = program.videoTimes[0] ?? 0;
  const end = program.videoTimes.at(-1) ?? 0;
  const seen = (clip: number, from: number, to: number) =>
    program.peers.get(clip)?.sightings.filter((s) => s.at >= from && s.at < to).length ?? 0;
  // Both were seen; then only the first; then nobody.
  expect(seen(0, start, start + 6)).toBeGreaterThan(60);
  expect(seen(1, start, start + 6)).toBeGreaterThan(60);
  const lastOf = (clip: number) => program.peers.get(clip)?.sightings.at(-1)?.at ?? 0;
  expect(lastOf(0)).toBeGreaterThan(lastOf(1) + 1);
  expect(end).toBeGreaterThan(lastOf(0) + 1);
  const beepsOf = (clip: number) => program.peers.get(clip)?.beeps.map((b) => b.at) ?? [];
  expect(beepsOf(0).length).toBeGreaterThan(0);
  expect(Math.max(...beepsOf(1))).toBeGreaterThan(Math.max(...beepsOf(0)));
});
