import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import HLS from 'hls-parser';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../src/common/logger.ts';
import { Recording } from '../../src/contracts/recording.ts';
import { Database } from '../../src/durable/Database.ts';
import { RecordingFeed } from '../../src/http/RecordingFeed.ts';
import { RecordingsClient } from '../../src/http/RecordingsClient.ts';
import { playToken, SERVICE_TOKEN } from '../support/deliveryStack.ts';
import { boxesOf, decode, probe } from '../support/mediaFiles.ts';
import { AUDIO, ProgramRun, TestClip, VIDEO } from '../support/programParts.ts';
import { newRig, putParts, type RecordedRoom, RecordingRig } from '../support/RecordingRig.ts';
import { S3Server } from '../support/s3Server.ts';

const FRAME_SECONDS = 1 / 30;
let clip: TestClip;
let s3: S3Server;
beforeAll(async () => {
  clip = await TestClip.make();
  s3 = await S3Server.start();
});
afterAll(async () => {
  clip.close();
  await s3.close();
});

/**
 * Segments 0 to 11 and the first four parts of 12, but for what a compositor lost that was killed: the last four parts of segment 4, and
 * segment 5.
 */
async function putShow({ compositor }: RecordedRoom): Promise<void> {
  await putParts(compositor, clip, 0, 26);
  await putParts(compositor, clip, 6, 40);
}
const SHOW_SECONDS = 12 * 2 + 4 / 3;

const textOf = async (url: string): Promise<string> => {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.text();
};

describe.each(['file', 's3'] as const)('a recording kept in %s', (kind) => {
  let rig: RecordingRig;
  let room: RecordedRoom;
  let base: string;
  beforeAll(async () => {
    rig = await RecordingRig.start(kind === 's3' ? { storage: s3.storage({ partBytes: 5 * 1024 * 1024 }) } : {});
    room = await rig.open(clip);
    await putShow(room);
    room.controller.send({ type: 'end' });
    await rig.event('finished', room.id);
    base = `${rig.stack.url}/recordings/${room.id}`;
  });
  afterAll(() => rig.remove());

  test('the API has it, with its duration right to one frame', async () => {
    const recording = Recording.parse(await (await rig.ask(`/${room.id}`)).json());
    expect(recording).toMatchObject({
      id: room.id,
      room: room.room,
      broadcast: room.controller.broadcast,
      state: 'finished',
      complete: true,
      reason: '',
      slateSegments: 2,
      playlist: `/recordings/${room.id}/index.m3u8`,
      mp4: `/recordings/${room.id}/program.mp4`,
      renditions: [{ id: VIDEO, width: 320, height: 180 }],
    });
    expect(recording.durationSeconds).toBeCloseTo(SHOW_SECONDS, 6);
    expect(recording.bytes).toBeGreaterThan(1_000_000);
    expect(recording.startedAt).toBe(Math.round(room.controller.epoch));
    expect(await (await rig.ask(`?room=${room.room}`)).json()).toEqual({ recordings: [recording] });
    expect(await (await rig.ask('?room=nobody')).json()).toEqual({ recordings: [] });
  });

  test('its controller was told: recording, then what became of it', () => {
    const states = room.controller.of('recording').map((r) => r.status.state);
    expect(states.slice(0, 2)).toEqual(['recording', 'processing']);
  });

  test('its playlists are VOD, read strictly by hls-parser, and name what is there', async () => {
    const text = await textOf(`${base}/index.m3u8`);
    const multivariant = HLS.parse(text) as HLS.types.MasterPlaylist;
    expect(multivariant.variants).toHaveLength(1);
    expect(multivariant.variants[0]).toMatchObject({ resolution: { width: 320, height: 180 }, frameRate: 30 });
    for (const id of [VIDEO, AUDIO]) {
      expect(text).toContain(`${id}/index.m3u8`);
      const media = HLS.parse(await textOf(`${base}/${id}/index.m3u8`)) as HLS.types.MediaPlaylist;
      expect(media).toMatchObject({ playlistType: 'VOD', endlist: true, targetDuration: 2 });
      expect(media.segments.map((s) => s.uri)).toEqual(Array.from({ length: 13 }, (_, i) => `${i}.m4s`));
      const total = media.segments.reduce((sum, s) => sum + s.duration, 0);
      expect(Math.abs(total - SHOW_SECONDS)).toBeLessThan(FRAME_SECONDS);
      expect(media.segments[0]?.programDateTime?.getTime()).toBe(Math.floor(room.controller.epoch));
      for (const { uri, map } of media.segments) {
        for (const name of [uri, map?.uri]) {
          const file = await fetch(`${base}/${id}/${name}`);
          expect(file.status).toBe(200);
          expect(file.headers.get('cache-control')).toContain('immutable');
          expect(file.headers.get('content-type')).toBe(id === VIDEO ? 'video/mp4' : 'audio/mp4');
          await file.arrayBuffer();
        }
      }
    }
  });

  test('what was put is in it byte by byte, what was lost is slate from the part on where it was lost', async () => {
    const run = new ProgramRun(clip, 0);
    const parts = Array.from({ length: 26 }, () => run.next());
    run.close();
    for (const [id, kindOf] of [
      [VIDEO, 'video'],
      [AUDIO, 'audio'],
    ] as const) {
      const whole = Buffer.from(await (await fetch(`${base}/${id}/3.m4s`)).arrayBuffer());
      expect(whole.equals(Buffer.concat(parts.slice(18, 24).map((p) => p[kindOf])))).toBe(true);
      const torn = Buffer.from(await (await fetch(`${base}/${id}/4.m4s`)).arrayBuffer());
      const real = Buffer.concat(parts.slice(24).map((p) => p[kindOf]));
      expect(torn.subarray(0, real.length).equals(real)).toBe(true);
      expect(torn.length).toBeGreaterThan(real.length);
    }
  });

  test('ffprobe opens HLS and MP4: same duration, right to one frame, every frame in its place', async () => {
    for (const source of [`${base}/program.mp4`, `${base}/index.m3u8`]) {
      const { format, streams } = await probe(source);
      expect(Math.abs(format.duration - SHOW_SECONDS)).toBeLessThan(FRAME_SECONDS);
      expect(streams.map((s) => s.codec_type).toSorted()).toEqual(['audio', 'video']);
      const { complaints, times } = await decode(source);
      expect(complaints).toBe('');
      expect(times).toHaveLength(SHOW_SECONDS * 30);
      const first = times[0] ?? 0;
      for (const [i, time] of times.entries()) expect(Math.abs(time - first - i / 30)).toBeLessThan(0.002);
    }
    const mp4 = await probe(`${base}/program.mp4`);
    for (const { duration, start_time } of mp4.streams)
      expect(Math.abs(start_time + duration - SHOW_SECONDS)).toBeLessThan(FRAME_SECONDS);
  });

  test('the MP4 has its index in front, and is answered by ranges', async () => {
    const whole = await fetch(`${base}/program.mp4`);
    expect(whole.headers.get('content-type')).toBe('video/mp4');
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    const bytes = Buffer.from(await whole.arrayBuffer());
    expect(bytes.length).toBe(Number(whole.headers.get('content-length')));
    expect(boxesOf(bytes).filter((t) => t === 'moov' || t === 'mdat')).toEqual(['moov', 'mdat']);
    for (const [range, start, end] of [
      ['bytes=0-1', 0, 1],
      ['bytes=1000-1999', 1000, 1999],
      ['bytes=-500', bytes.length - 500, bytes.length - 1],
      [`bytes=${bytes.length - 10}-`, bytes.length - 10, bytes.length - 1],
    ] as const) {
      const part = await fetch(`${base}/program.mp4`, { headers: { range } });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe(`bytes ${start}-${end}/${bytes.length}`);
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(start, end + 1))).toBe(true);
    }
    const beyond = await fetch(`${base}/program.mp4`, { headers: { range: `bytes=${bytes.length}-` } });
    expect(beyond.status).toBe(416);
    const head = await fetch(`${base}/program.mp4`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(bytes.length));
    const tag = whole.headers.get('etag') ?? '';
    expect((await fetch(`${base}/program.mp4`, { headers: { 'if-none-match': tag } })).status).toBe(304);
  });

  test('poster and thumbnails are JPEGs; the track names places in them', async () => {
    for (const name of ['poster.jpg', 'thumbnails/0.jpg']) {
      const picture = await fetch(`${base}/${name}`);
      expect(picture.headers.get('content-type')).toBe('image/jpeg');
      expect(
        Buffer.from(await picture.arrayBuffer())
          .subarray(0, 3)
          .toString('hex'),
      ).toBe('ffd8ff');
    }
    const track = await fetch(`${base}/thumbnails.vtt`);
    expect(track.headers.get('content-type')).toBe('text/vtt; charset=utf-8');
    expect(await track.text()).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:10.000\nthumbnails/0.jpg#xywh=0,0,160,90\n\n' +
        '00:00:10.000 --> 00:00:20.000\nthumbnails/0.jpg#xywh=160,0,160,90\n\n' +
        '00:00:20.000 --> 00:00:25.333\nthumbnails/0.jpg#xywh=320,0,160,90\n',
    );
  });

  test.each(['nothing.mp4', '../lianmai.sqlite', '%2e%2e/lianmai.sqlite', `${VIDEO}/99.m4s`, ''])(
    'there is nothing under %j',
    async (name) => {
      expect((await fetch(`${base}/${name}`)).status).toBe(404);
    },
  );

  test('deleted, nothing of it is left', async () => {
    expect((await rig.ask(`/${room.id}`, 'DELETE')).status).toBe(204);
    expect((await rig.ask(`/${room.id}`)).status).toBe(404);
    expect((await rig.ask(`/${room.id}`, 'DELETE')).status).toBe(404);
    expect((await fetch(`${base}/index.m3u8`)).status).toBe(404);
    if (kind === 'file') expect(await readdir(join(rig.dataDir, 'recordings'))).toEqual([]);
    else {
      const storage = s3.storage();
      for await (const object of storage.list(room.id)) expect.unreachable(object.key);
      storage.close();
    }
  });
});

test('a recording of a live broadcast is listed, but can neither be played nor deleted', async () => {
  const rig = await newRig();
  const { id, compositor } = await rig.open(clip);
  await putParts(compositor, clip, 0, 8);
  expect(await (await rig.ask(`/${id}`)).json()).toMatchObject({ state: 'recording', complete: true, playlist: null });
  expect((await fetch(`${rig.stack.url}/recordings/${id}/index.m3u8`)).status).toBe(404);
  expect((await rig.ask(`/${id}`, 'DELETE')).status).toBe(409);
  expect(rig.events.map((e) => e.type)).toEqual(['started']);
});

test('a broadcast of which nothing came has failed as a recording', async () => {
  const rig = await newRig();
  const { id, controller } = await rig.open(clip);
  controller.send({ type: 'end' });
  expect(await rig.event('failed', id)).toMatchObject({ state: 'failed', reason: 'nothing was recorded', mp4: null });
});

test('who may not play the broadcast may not play its recording', async () => {
  const rig = await newRig();
  const { id, controller, compositor, room } = await rig.open(clip, { playback: 'token' });
  await putParts(compositor, clip, 0, 12);
  controller.send({ type: 'end' });
  await rig.event('finished', id);
  const at = (path: string): Promise<Response> => fetch(`${rig.stack.url}/recordings${path}/${id}/index.m3u8`);
  expect((await at('')).status).toBe(401);
  expect((await at(`/~${await playToken('another')}`)).status).toBe(403);
  const token = await playToken(room);
  const good = await at(`/~${token}`);
  expect(good.status).toBe(200);
  const { times } = await decode(`${rig.stack.url}/recordings/~${token}/${id}/index.m3u8`);
  expect(times).toHaveLength(120);
});

test('five minutes with a compositor that died in it: the duration is right to one frame, also where no slate was made', async () => {
  const rig = await newRig();
  const { id, controller, compositor } = await rig.open(clip, {}, { picture: false });
  await putParts(compositor, clip, 0, 6 * 70 + 4);
  // What comes next begins five segments later.
  await putParts(compositor, clip, 75, 6 * 75);
  controller.send({ type: 'end' });
  const recording = await rig.event('finished', id);
  expect(recording).toMatchObject({ durationSeconds: 300, slateSegments: 5 });
  for (const path of ['program.mp4', 'index.m3u8']) {
    const source = `${rig.stack.url}/recordings/${id}/${path}`;
    expect(Math.abs((await probe(source)).format.duration - 300)).toBeLessThan(FRAME_SECONDS);
    const { complaints, times } = await decode(source);
    expect(complaints).toBe('');
    expect(Math.abs((times.at(-1) ?? 0) - (times[0] ?? 0) - 300)).toBeLessThan(2 * FRAME_SECONDS);
  }
});

test('an SFU node is told what happens to recordings: in order, once, also what happened while it was away', async () => {
  const rig = await newRig();
  const database = Database.inMemory();
  onTestFinished(() => database.close());
  const told: string[] = [];
  const follow = async (): Promise<RecordingFeed> => {
    const client = new RecordingsClient({
      deliveryUrls: () => [rig.stack.internalUrl],
      newServiceToken: async () => SERVICE_TOKEN,
    });
    const logger = createLogger({ level: 'silent' });
    const feed = new RecordingFeed({ client, url: rig.stack.internalUrl, name: '', database, logger });
    feed.on('event', ({ type, recording }) => told.push(`${type} ${recording.id}`));
    feed.start();
    onTestFinished(() => feed.close());
    return feed;
  };
  const first = await follow();
  await expect.poll(() => database.get('SELECT position FROM recording_feeds')?.position).toBe(0);
  const one = await rig.open(clip);
  await expect.poll(() => told).toEqual([`started ${one.id}`]);
  await first.close();
  await putParts(one.compositor, clip, 0, 12);
  one.controller.send({ type: 'end' });
  await rig.event('finished', one.id);
  const two = await rig.open(clip);
  await follow();
  await expect.poll(() => told).toEqual([`started ${one.id}`, `finished ${one.id}`, `started ${two.id}`]);
  expect(first.closed).toBe(true);
});
