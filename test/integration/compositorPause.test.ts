/** A compositor that stands still: what an RTMP server and the playlists get in the 20 s from then on. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flvFrames } from '../../scripts/bench/support/flv.ts';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { gridLayout } from '../../src/layout/grid.ts';
import { PlaylistFollower } from '../support/PlaylistFollower.ts';
import { decodeMedia } from '../support/program/decodeMedia.ts';
import { readTile } from '../support/program/readTile.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { ServerProcess } from '../support/ServerProcess.ts';

const ROOM = 'pause';
const KEY = 'pause-key';
const FPS = 30;
const PAUSE_MS = 20_000;
const SEGMENT_MS = 2_000;

let rtmp: RtmpServer;
let server: ServerProcess;
let swarm: Swarm;
let follower: PlaylistFollower;

beforeAll(async () => {
  [rtmp, server] = await Promise.all([
    RtmpServer.start(),
    ServerProcess.start({ LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true', LIANMAI_SFU_WORKERS: '1' }),
  ]);
  const api = new ServerApi(server.url);
  swarm = new Swarm({ url: server.url, peers: 1, token: () => api.joinToken(ROOM, 'host') });
  await swarm.start();
  const { playlist } = await api.startBroadcast(ROOM, {
    destinations: [{ name: 'nginx', url: rtmp.url, key: KEY }],
    video: { width: 320, height: 180, bitrate: 200_000 },
  });
  follower = await PlaylistFollower.start(`${server.url}${playlist}`);
  await rtmp.waitFor(({ call }) => call === 'publish');
  await follower.until(({ newest }) => newest >= 2, 'some segments');
});

afterAll(async () => {
  follower?.close();
  await swarm?.stop();
  await server?.stop();
  await rtmp?.close();
});

test('one publish, slate until another compositor is there, every frame on the grid; the one that stood still is ended', async () => {
  const bound = () => server.logs().filter(({ msg }) => msg === 'compositor bound');
  const stopped = Number(bound().at(-1)?.pid);
  const before = follower.newest;
  process.kill(stopped, 'SIGSTOP');
  await follower.until(({ newest }) => newest >= before + PAUSE_MS / SEGMENT_MS, 'the pause is over');
  expect(bound().length).toBe(2);
  expect(() => process.kill(stopped, 0)).toThrow('ESRCH');
  expect(follower.backwards).toEqual([]);
  expect(follower.inits.size).toBe(1);
  expect(rtmp.publishes(KEY)).toBe(1);
  expect(rtmp.calls.filter(({ call }) => call === 'publish_done')).toEqual([]);

  const [file = ''] = await rtmp.recordings();
  const frames = flvFrames(await readFile(file));
  const numbers = frames.map(({ timestampMs }) => Math.round((timestampMs * FPS) / 1000));
  const offGrid = frames.filter(({ timestampMs }, n) => Math.abs(timestampMs - (numbers[n]! * 1000) / FPS) > 1);
  expect(offGrid.slice(0, 5)).toEqual([]);
  const [first = 0] = numbers;
  expect(numbers).toEqual(numbers.map((_, n) => first + n));
  expect(frames.length).toBeGreaterThan((PAUSE_MS / 1000) * FPS);

  // By frame: whether the camera is seen.
  const seen: boolean[] = [];
  await decodeMedia(file, {
    onPicture: (picture) => {
      const [cell] = gridLayout(1, picture.width, picture.height);
      seen.push(readTile(picture, cell!).code !== null);
    },
  });
  const slate = seen.indexOf(false, seen.indexOf(true));
  const back = seen.indexOf(true, slate);
  expect(slate).toBeGreaterThan(FPS);
  expect(back - slate).toBeGreaterThan(FPS / 2);
  expect(seen.slice(back).filter((camera) => !camera)).toEqual([]);
});
