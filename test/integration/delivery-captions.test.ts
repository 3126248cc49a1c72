/**
 * Captions as WebVTT renditions, on real delivery nodes: the origin, a node in front of it, one that goes on after a crash, one that the broadcast moves to,
 * and the recording. The program is put without a clock, so lines are where the test says.
 */
import { rm } from 'node:fs/promises';
import HLS from 'hls-parser';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { checkPresentation } from '../../scripts/hlsCheck/checkPresentation.ts';
import { readVtt, type VttCue } from '../../scripts/hlsCheck/media/vtt.ts';
import type { CaptionLine, CaptionTracks } from '../../src/contracts/captions.ts';
import { PROTOCOL } from '../../src/contracts/ids.ts';
import { Recording } from '../../src/contracts/recording.ts';
import type { OpenOrder } from '../../src/delivery/DeliveryBroadcast.ts';
import { DeliveryStack, playToken, SERVICE_TOKEN, TestController } from '../support/deliveryStack.ts';
import { httpGet } from '../support/httpGet.ts';
import { TestClip, VIDEO } from '../support/programParts.ts';
import { putParts, type RecordedRoom, RecordingRig } from '../support/RecordingRig.ts';

const TRACKS: CaptionTracks = [{ language: 'en' }, { language: 'zh-Hans', name: '中文' }];
const ORDER = { captions: TRACKS, protocol: PROTOCOL };
const edge = { node: 'e', newServiceToken: async () => SERVICE_TOKEN, maxBytes: 10_000_000 };

let clip: TestClip;
let rig: RecordingRig;
beforeAll(async () => {
  clip = await TestClip.make();
  rig = await RecordingRig.start({ delivery: { edge } });
});
afterAll(async () => {
  await rig?.remove();
  clip?.close();
});

/** Segments 0 and 1, and half of 2. */
async function begin(order: Partial<OpenOrder> = {}): Promise<RecordedRoom> {
  const room = await rig.open(clip, { record: false, ...ORDER, ...order });
  onTestFinished(() => room.controller.drop());
  await putParts(room.compositor, clip, 0, 15);
  return room;
}

let ids = 0;
async function say({ controller }: RecordedRoom, line: Partial<CaptionLine>): Promise<CaptionLine> {
  const said = { id: `t${++ids}`, language: 'en', text: `line ${ids}`, start: 0, end: null, ...line };
  controller.send({ type: 'caption', line: said });
  await controller.sync();
  return said;
}

/** The cues of a segment; a status when it is not there. */
async function cuesOf(base: string, k: number, language = 'en'): Promise<VttCue[] | number> {
  const { status, body } = await httpGet(`${base}/captions/${language}/${k}.vtt`);
  return status === 200 ? readVtt(body).cues : status;
}

describe('the origin', () => {
  test('names them in the multivariant playlist, and lists the program’s own segments, at the same dates', async () => {
    const room = await begin();
    const { body } = await httpGet(`${rig.stack.url}/live/${room.room}/index.m3u8`);
    const multivariant = HLS.parse(body.toString());
    expect(multivariant).toMatchObject({ isMasterPlaylist: true });
    expect('variants' in multivariant && multivariant.variants[0]?.subtitles).toMatchObject([
      { name: 'English', language: 'en', uri: `${room.controller.broadcast}/captions/en/index.m3u8`, isDefault: false },
      { name: '中文', language: 'zh-Hans' },
    ]);
    const [captions = '', video = ''] = await Promise.all(
      ['captions/en', VIDEO].map(async (path) => (await httpGet(`${room.base}/${path}/index.m3u8`)).body.toString()),
    );
    const whole = (text: string) =>
      [...text.matchAll(/#EXT-X-PROGRAM-DATE-TIME:(\S+)\n(?:#EXT-X-PART:.*\n)*#EXTINF:(\S+),\n(\d+)\./g)].map((m) =>
        m.slice(1),
      );
    expect(whole(captions)).toHaveLength(2);
    expect(whole(captions)).toEqual(whole(video));
    expect(/SERVER-CONTROL:.*/.exec(captions)?.[0]).toBe(/SERVER-CONTROL:.*/.exec(video)?.[0]);
    expect(video).toContain('#EXT-X-RENDITION-REPORT:URI="../captions/zh-Hans/index.m3u8",LAST-MSN=1\n');
  });

  test('has a segment also when nothing is said, for ever the same; a segment that is not listed is not there', async () => {
    const room = await begin();
    const { status, headers, body } = await httpGet(`${room.base}/captions/en/1.vtt`);
    expect([status, headers['content-type']]).toEqual([200, 'text/vtt; charset=utf-8']);
    expect(headers['cache-control']).toContain('immutable');
    expect(body.toString()).toMatch(/^WEBVTT\nX-TIMESTAMP-MAP=/);
    expect(await cuesOf(room.base, 1)).toEqual([]);
    // Whatever is said of its time now.
    await say(room, { start: 2000, end: 9000 });
    expect((await httpGet(`${room.base}/captions/en/1.vtt`)).body.equals(body)).toBe(true);
    expect(await Promise.all([cuesOf(room.base, 2), cuesOf(room.base, 1, 'fr')])).toEqual([404, 404]);
  });

  test('shows a line at its time, in its language, in each segment that it touches; the next one takes its place', async () => {
    const room = await begin();
    await say(room, { start: 5500, end: 9500, text: 'a < b & c' });
    await say(room, { start: 7700, end: 9000, text: 'next' });
    await say(room, { start: 5600, end: 6400, text: '你好 👋🏽', language: 'zh-Hans' });
    await putParts(room.compositor, clip, 2, 18);
    const first = { start: 5.5, end: 7, text: 'a &lt; b &amp; c' };
    expect(await cuesOf(room.base, 2)).toEqual([first]);
    expect(await cuesOf(room.base, 3)).toEqual([
      first,
      { ...first, start: 7, end: 7.7 },
      { start: 7.7, end: 9, text: 'next' },
    ]);
    expect(await cuesOf(room.base, 4)).toEqual([{ start: 7.7, end: 9, text: 'next' }]);
    expect(await cuesOf(room.base, 2, 'zh-Hans')).toEqual([{ start: 5.6, end: 6.4, text: '你好 👋🏽' }]);
  });

  test('a blocking reload is answered with the segment’s last part; a delta update is one', async () => {
    const room = await begin();
    const url = `${room.base}/captions/en/index.m3u8`;
    const held = httpGet(`${url}?_HLS_msn=2`);
    await expect.poll(() => rig.stack.waiting()).toBe(1);
    expect((await httpGet(url)).body.toString()).not.toContain('2.vtt');
    await putParts(room.compositor, clip, 2, 6);
    expect((await held).body.toString()).toMatch(/\n2\.vtt\n$/);
    await putParts(room.compositor, clip, 3, 60);
    const delta = (await httpGet(`${url}?_HLS_msn=12&_HLS_skip=YES`)).body.toString();
    expect(delta).toContain('#EXT-X-SKIP:SKIPPED-SEGMENTS=');
    expect(delta).not.toContain('EXT-X-MAP');
  });

  test('a token is wanted where the program wants one', async () => {
    const room = await begin({ playback: 'token' });
    const path = `/live/${room.room}/${room.controller.broadcast}/captions/en`;
    const withToken = path.replace('/live/', `/live/~${await playToken(room.room)}/`);
    for (const file of ['index.m3u8', '1.vtt']) {
      expect((await httpGet(`${rig.stack.url}${path}/${file}`)).status).toBe(401);
      expect((await httpGet(`${rig.stack.url}${withToken}/${file}`)).status).toBe(200);
    }
  });

  test('without captions there is no such rendition, and whoever knows none is told so', async () => {
    const room = await begin({ captions: [] });
    expect(room.controller.of('opened')).toMatchObject([{ captions: true }]);
    const { body } = await httpGet(`${rig.stack.url}/live/${room.room}/index.m3u8`);
    expect(body.toString()).not.toContain('SUBTITLES');
    expect((await httpGet(`${room.base}/captions/en/index.m3u8`)).status).toBe(404);
    await say(room, { start: 5000 });
    expect(room.controller.closed).toBe(false);
  });
});

test('a node in front has them byte for byte', async () => {
  const front = await DeliveryStack.start({ edge: { ...edge, ownerOf: () => rig.stack.internalUrl } });
  onTestFinished(() => front.close());
  const room = await begin();
  await say(room, { start: 5200, end: 7000 });
  await putParts(room.compositor, clip, 2, 6);
  for (const path of ['index.m3u8', 'index.m3u8?_HLS_msn=2', '2.vtt', '9.vtt']) {
    const [there, here] = await Promise.all(
      [room.base, room.base.replace(rig.stack.url, front.url)].map((base) => httpGet(`${base}/captions/en/${path}`)),
    );
    expect([path, here?.status, here?.headers['content-type'], here?.body.toString()]).toEqual([
      ...[path, there?.status, there?.headers['content-type'], there?.body.toString()],
    ]);
  }
});

test('after a crash every segment is as viewers had it, and what was to come comes', async () => {
  const room = await begin({ dvrSeconds: 600 });
  await say(room, { start: 5100, end: 5900, text: 'seen' });
  await putParts(room.compositor, clip, 2, 6);
  const before = (await httpGet(`${room.base}/captions/en/2.vtt`)).body;
  await say(room, { start: 7500, end: 9900, text: 'to come' });
  await say(room, { start: 8500, end: 9500, text: 'and then' });
  const next = await RecordingRig.start({ dataDir: await rig.snapshot(), delivery: { edge } });
  onTestFinished(() => next.remove());
  const base = room.base.replace(rig.stack.url, next.stack.url);
  expect((await httpGet(`${base}/captions/en/2.vtt`)).body.equals(before)).toBe(true);
  room.compositor.moveTo(next.stack);
  await putParts(room.compositor, clip, 3, 12);
  expect(await cuesOf(base, 3)).toEqual([{ start: 7.5, end: 8.5, text: 'to come' }]);
  expect(await cuesOf(base, 4)).toEqual([
    { start: 7.5, end: 8.5, text: 'to come' },
    { start: 8.5, end: 9.5, text: 'and then' },
  ]);
});

test('a broadcast that moves takes its lines along; what is said again is known there', async () => {
  const to = await RecordingRig.start({ delivery: { edge } });
  onTestFinished(() => to.remove());
  const room = await begin();
  const line = await say(room, { start: 5500, end: 9500 });
  const { startMs, broadcast, epoch } = room.controller;
  const next = await TestController.open(to.stack, {
    ...{ room: room.room, startMs, broadcast, answersClock: false },
    order: { ...ORDER, epoch, movedFrom: { url: rig.stack.internalUrl, copyMs: 30_000, fence: 5 } },
  });
  onTestFinished(() => next.drop());
  await next.waitFor('copied');
  room.controller.send({ type: 'yield', from: 3 });
  next.send({ type: 'take', from: 3, compositor: room.compositor.id, fence: 1 });
  await Promise.all([room.controller.sync(), next.sync()]);
  await putParts(room.compositor, clip, 2, 6);
  await next.waitFor('arrived');
  const before = (await httpGet(`${room.base}/captions/en/2.vtt`)).body;
  const later = { ...line, id: 'later', start: 8600, end: 9000 };
  for (const said of [line, later]) next.send({ type: 'caption', line: said });
  await next.sync();
  room.controller.send({ type: 'moved', url: to.stack.internalUrl });
  await room.controller.waitFor('left');
  room.compositor.moveTo(to.stack);
  await putParts(room.compositor, clip, 3, 12);
  const base = room.base.replace(rig.stack.url, to.stack.url);
  expect((await httpGet(`${base}/captions/en/2.vtt`)).body.equals(before)).toBe(true);
  const cues = (await cuesOf(base, 4)) as VttCue[];
  expect(cues.map(({ start, end }) => [start, end])).toEqual([
    [7, 8.6],
    [8.6, 9],
  ]);
});

describe('a recording', () => {
  test('keeps them as a rendition of its own, that every language has in which something was said', async () => {
    const room = await begin({ record: true });
    await say(room, { start: 5500, end: 9500, text: 'first' });
    await say(room, { start: 8000, end: null, text: 'to the end' });
    await putParts(room.compositor, clip, 2, 24);
    room.controller.send({ type: 'end' });
    await rig.event('finished', room.id);
    const recording = Recording.parse(await (await rig.ask(`/${room.id}`)).json());
    const base = `/recordings/${room.id}`;
    expect(recording.captions).toEqual([{ language: 'en', name: 'English', path: `${base}/captions/en/captions.vtt` }]);
    const { headers, body } = await httpGet(`${rig.stack.url}${base}/captions/en/captions.vtt`);
    expect(headers['content-type']).toBe('text/vtt; charset=utf-8');
    expect(readVtt(body).cues).toEqual([
      { start: 5.5, end: 8, text: 'first' },
      { start: 8, end: 12, text: 'to the end' },
    ]);
    const url = `${rig.stack.url}${recording.playlist}`;
    const { findings, renditions } = await checkPresentation({ url, seconds: 5 });
    expect(renditions).toHaveLength(3);
    expect(findings.filter(({ where }) => where.includes('captions'))).toEqual([]);
    expect((await httpGet(url)).body.toString()).toContain('URI="./captions/en/index.m3u8"');
  });

  test('has none where nothing was said', async () => {
    const room = await begin({ record: true });
    room.controller.send({ type: 'end' });
    const recording = await rig.event('finished', room.id);
    expect(recording.captions).toEqual([]);
    expect((await httpGet(`${rig.stack.url}${recording.playlist}`)).body.toString()).not.toContain('SUBTITLES');
  });

  test('of a broadcast that nobody came back for after a crash has them, too', async () => {
    const room = await begin({ record: true });
    await say(room, { start: 5500, end: 7500, text: 'kept' });
    await putParts(room.compositor, clip, 2, 12);
    const dataDir = await rig.snapshot();
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const next = await RecordingRig.start({ dataDir, delivery: { edge, reclaimMs: 1 } });
    onTestFinished(() => next.close());
    const recording = await next.event('finished', room.id);
    const path = recording.captions[0]?.path ?? '';
    expect(readVtt((await httpGet(`${next.stack.url}${path}`)).body).cues).toMatchObject([{ text: 'kept' }]);
  });
});
