/** Time shift, live pictures, transcodes, and what goes wrong with disks, stores and processes while a show is recorded. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import HLS from 'hls-parser';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Recording } from '../../src/contracts/recording.ts';
import { partsOf } from '../support/archiveRig.ts';
import { TestController } from '../support/deliveryStack.ts';
import { decode, probe } from '../support/mediaFiles.ts';
import { mountTmpfs } from '../support/mountTmpfs.ts';
import { AUDIO, ProgramRun, TestClip, VIDEO } from '../support/programParts.ts';
import { newRig, putParts, RecordingRig } from '../support/RecordingRig.ts';
import { S3Server } from '../support/s3Server.ts';

let clip: TestClip;
beforeAll(async () => {
  clip = await TestClip.make();
});
afterAll(() => clip.close());

const textOf = async (url: string): Promise<string> => {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.text();
};

describe('time shift', () => {
  test('segments older than the memory are listed, and read from files; what left the window is removed', async () => {
    const rig = await newRig();
    const { base, compositor, controller } = await rig.open(clip, { record: false, dvrSeconds: 60 });
    await putParts(compositor, clip, 0, 6 * 45);
    const run = new ProgramRun(clip, 0);
    const parts = Array.from({ length: 6 * 16 }, () => run.next());
    run.close();
    for (const [id, kind] of [
      [VIDEO, 'video'],
      [AUDIO, 'audio'],
    ] as const) {
      const listed = (HLS.parse(await textOf(`${base}/${id}/index.m3u8`)) as HLS.types.MediaPlaylist).segments;
      expect(listed.filter((s) => s.uri.endsWith('.m4s') && s.duration > 0).map((s) => s.uri)[0]).toBe('15.m4s');
      const old = Buffer.from(await (await fetch(`${base}/${id}/15.m4s`)).arrayBuffer());
      expect(old.equals(Buffer.concat(parts.slice(90).map((p) => p[kind])))).toBe(true);
      const part = Buffer.from(await (await fetch(`${base}/${id}/15.3.m4s`)).arrayBuffer());
      expect(part.equals(parts[93]![kind])).toBe(true);
      expect((await fetch(`${base}/${id}/2.m4s`)).status).toBeGreaterThanOrEqual(404);
      const folder = join(rig.dataDir, 'segments', controller.broadcast, id);
      await expect.poll(async () => (await readdir(folder)).includes('11.m4s')).toBe(false);
      expect(await readdir(folder)).toContain('12.m4s');
    }
  });

  test('poster and thumbnails of the window are made while it is live', async () => {
    const rig = await newRig();
    const { base, compositor } = await rig.open(clip, { record: false, dvrSeconds: 60 });
    expect((await fetch(`${base}/poster.jpg`)).status).toBe(404);
    await putParts(compositor, clip, 0, 6 * 12);
    const poster = await fetch(`${base}/poster.jpg`);
    expect(poster.headers.get('content-type')).toBe('image/jpeg');
    const folder = await mkdtemp(join(tmpdir(), 'lianmai-pictures-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'poster.jpg'), Buffer.from(await poster.arrayBuffer()));
    expect((await probe(join(folder, 'poster.jpg'))).streams[0]).toMatchObject({ width: 320, height: 180 });
    await expect.poll(async () => textOf(`${base}/thumbnails.vtt`)).toContain('0-3.jpg');
    const track = await textOf(`${base}/thumbnails.vtt`);
    expect(track).toContain('00:00:10.000 --> 00:00:20.000\nthumbnails/0-3.jpg#xywh=160,0,160,90\n');
    const sheet = await fetch(`${base}/thumbnails/0-3.jpg`);
    expect(sheet.headers.get('cache-control')).toContain('immutable');
    await writeFile(join(folder, 'sheet.jpg'), Buffer.from(await sheet.arrayBuffer()));
    expect((await probe(join(folder, 'sheet.jpg'))).streams[0]).toMatchObject({ width: 1600, height: 90 });
    // It grows; who has the older track still finds its sheet.
    await putParts(compositor, clip, 12, 6 * 30);
    await expect
      .poll(async () => textOf(`${base}/thumbnails.vtt`))
      .toContain('thumbnails/0-9.jpg#xywh=1280,0,160,90\n');
    expect(await textOf(`${base}/thumbnails.vtt`)).not.toContain('00:00:00.000 -->');
    expect((await fetch(`${base}/thumbnails/0-3.jpg`)).status).toBe(200);
    expect((await fetch(`${base}/thumbnails/0-10.jpg`)).status).toBe(404);
    expect((await fetch(`${base}/thumbnails/1-1.jpg`)).status).toBe(404);
  });

  test('without time shift there is a poster, but no thumbnails and no files', async () => {
    const rig = await newRig();
    const { base, compositor } = await rig.open(clip, { record: false });
    await putParts(compositor, clip, 0, 12);
    expect((await fetch(`${base}/poster.jpg`)).status).toBe(200);
    expect((await fetch(`${base}/thumbnails.vtt`)).status).toBe(404);
    expect(await readdir(rig.dataDir)).not.toContain('segments');
  });
});

test('a finished recording is transcoded, and the new rendition joins its playlist on the same grid', async () => {
  const rig = await newRig();
  const { id, compositor, controller } = await rig.open(clip, { transcode: [{ height: 144, bitrate: 150_000 }] });
  await putParts(compositor, clip, 3, 6 * 6 + 2);
  controller.send({ type: 'end' });
  expect(await rig.event('finished', id)).toMatchObject({ transcodes: [{ height: 144, state: 'queued' }] });
  const of = async (): Promise<Recording> => Recording.parse(await (await rig.ask(`/${id}`)).json());
  await expect.poll(async () => (await of()).transcodes[0]?.state, { timeout: 60_000 }).toBe('finished');
  const recording = await of();
  expect(recording.transcodes[0]).toEqual({
    height: 144,
    bitrate: 150_000,
    state: 'finished',
    progress: 1,
    reason: '',
  });
  expect(recording.renditions).toEqual([
    { id: VIDEO, width: 320, height: 180, bitrate: 400_000 },
    { id: 'v144', width: 256, height: 144, bitrate: 150_000 },
  ]);
  const base = `${rig.stack.url}/recordings/${id}`;
  const multivariant = HLS.parse(await textOf(`${base}/index.m3u8`)) as HLS.types.MasterPlaylist;
  expect(multivariant.variants.map((v) => v.resolution?.height)).toEqual([180, 144]);
  const [own, made] = await Promise.all(
    [VIDEO, 'v144'].map(async (r) => HLS.parse(await textOf(`${base}/${r}/index.m3u8`)) as HLS.types.MediaPlaylist),
  );
  const shape = (p: HLS.types.MediaPlaylist | undefined) => p?.segments.map((s) => [s.uri, s.duration]);
  expect(shape(made)).toEqual(shape(own));
  expect(made?.segments[0]?.programDateTime).toEqual(own?.segments[0]?.programDateTime);
  const both = await Promise.all([VIDEO, 'v144'].map((r) => decode(`${base}/${r}/index.m3u8`, { audio: false })));
  expect(both[1]!.complaints).toBe('');
  expect(both[1]!.times).toEqual(both[0]!.times);
  expect(await readdir(join(rig.dataDir, 'transcodes'))).toEqual([]);
});

test('a transcode that an ended process left goes on, and one that can not be made is told', async () => {
  const first = await RecordingRig.start();
  const { id, compositor, controller } = await first.open(clip, { transcode: [{ height: 144 }] });
  await putParts(compositor, clip, 0, 18);
  controller.send({ type: 'end' });
  await first.event('finished', id);
  // Stopped at once: it waits or runs.
  await first.close();
  const ask = async (rig: RecordingRig): Promise<Recording> => Recording.parse(await (await rig.ask(`/${id}`)).json());
  const broken = await RecordingRig.start({ dataDir: first.dataDir, ffmpegPath: '/nonexistent/ffmpeg' });
  await expect.poll(async () => (await ask(broken)).transcodes[0]?.state, { timeout: 30_000 }).toBe('failed');
  expect((await ask(broken)).state).toBe('finished');
  expect((await ask(broken)).transcodes[0]?.reason).not.toBe('');
  await broken.remove();
});

describe('what goes wrong', () => {
  test('after a kill in mid-broadcast the recording lacks at most the part in flight, and is finished at the next start', async () => {
    const rig = await newRig();
    const { id, compositor, controller } = await rig.open(clip);
    await putParts(compositor, clip, 0, 6 * 4 + 3);
    // In real time a part is there long before the next one; here all came at once.
    const newest = join(rig.dataDir, 'segments', controller.broadcast, AUDIO, '4.part.m4s');
    const last = partsOf(clip, 4, 3).reduce((sum, { bytes }) => sum + bytes.get(AUDIO)!.length, 0);
    await expect.poll(async () => (await stat(newest)).size).toBe(last);
    const dataDir = await rig.snapshot();
    // No controller comes back: the broadcast is ended.
    const next = await newRig({ dataDir, delivery: { reclaimMs: 100, afterlifeMs: 100 } });
    const recording = await next.event('finished', id);
    expect(recording).toMatchObject({ state: 'finished', complete: true, slateSegments: 0 });
    expect(recording.durationSeconds).toBeGreaterThanOrEqual(8 + 2 / 3);
    expect(recording.durationSeconds).toBeLessThanOrEqual(9);
    const { times } = await decode(`${next.stack.url}/recordings/${id}/program.mp4`);
    expect(times).toHaveLength(Math.round(recording.durationSeconds * 30));
    await expect.poll(() => readdir(join(dataDir, 'segments'))).toEqual([]);
  });

  test('a broadcast that goes on after a kill goes on with its files: no gap in playlist, time shift, pictures and recording', async () => {
    const rig = await newRig();
    const { id, room, compositor, controller } = await rig.open(clip, { dvrSeconds: 120 });
    await putParts(compositor, clip, 0, 6 * 20 + 3);
    const written = join(rig.dataDir, 'segments', controller.broadcast, AUDIO, '20.part.m4s');
    const torn = partsOf(clip, 20, 3).reduce((sum, { bytes }) => sum + bytes.get(AUDIO)!.length, 0);
    await expect.poll(async () => (await stat(written)).size).toBe(torn);
    const next = await newRig({ dataDir: await rig.snapshot() });
    const base = `${next.stack.url}/live/${room}/${controller.broadcast}`;
    const before = await textOf(`${base}/${VIDEO}/index.m3u8`);
    expect(before).not.toContain('#EXT-X-GAP');
    expect(before).toContain('PRELOAD-HINT:TYPE=PART,URI="20.3.m4s"');
    // The same compositor goes on with the next part.
    compositor.moveTo(next.stack);
    const rest = new ProgramRun(clip, 20);
    for (let part = 0; part < 18; part++) {
      const { segment, part: of, video, audio } = rest.next();
      if (part < 3) continue;
      for (const [rendition, bytes] of [
        [VIDEO, video],
        [AUDIO, audio],
      ] as const)
        expect((await compositor.put(`${rendition}/${segment}/${of}`, bytes)).status).toBe(204);
    }
    rest.close();
    const after = await textOf(`${base}/${VIDEO}/index.m3u8`);
    expect(after).not.toContain('#EXT-X-GAP');
    for (const number of [0, 19, 20, 22]) expect((await fetch(`${base}/${VIDEO}/${number}.m4s`)).status).toBe(200);
    await expect.poll(() => textOf(`${base}/thumbnails.vtt`)).toContain('00:00:40.000 --> 00:00:50.000');
    expect(await textOf(`${base}/thumbnails.vtt`)).toContain('00:00:00.000 --> 00:00:10.000');
    const again = await TestController.open(next.stack, {
      ...{ room, broadcast: controller.broadcast, answersClock: false },
      order: { record: true, dvrSeconds: 120, epoch: controller.epoch },
    });
    expect((await again.waitFor('recording')).status).toMatchObject({ id, state: 'recording', complete: true });
    again.send({ type: 'end' });
    expect(await next.event('finished', id)).toMatchObject({ durationSeconds: 46, slateSegments: 0, complete: true });
    const { complaints, times } = await decode(`${next.stack.url}/recordings/${id}/program.mp4`);
    expect(complaints).toBe('');
    expect(times).toHaveLength(46 * 30);
  });

  test('a kill while it is finished or stored loses nothing', async () => {
    const s3 = await S3Server.start();
    onTestFinished(() => s3.close());
    s3.refuse = (line) => line.startsWith('PUT') && !line.includes('/a0/');
    const rig = await newRig({ storage: s3.storage() });
    const { id, compositor, controller } = await rig.open(clip);
    await putParts(compositor, clip, 0, 20);
    controller.send({ type: 'end' });
    await expect.poll(() => s3.requests.some((r) => r.includes('program.mp4')), { timeout: 30_000 }).toBe(true);
    expect(await (await rig.ask(`/${id}`)).json()).toMatchObject({ state: 'processing' });
    const dataDir = await rig.snapshot();
    s3.refuse = () => false;
    const sound = s3.requests.filter((r) => r.startsWith('PUT') && r.includes('/a0/0.m4s')).length;
    const next = await newRig({ dataDir, storage: s3.storage() });
    expect(await next.event('finished', id)).toMatchObject({ state: 'finished', reason: '' });
    const { times } = await decode(`${next.stack.url}/recordings/${id}/index.m3u8`);
    expect(times).toHaveLength(200);
    expect(sound).toBeGreaterThan(0);
  });

  test('disk full: live output goes on, the recording is marked incomplete, the operator is told', async () => {
    const rig = await newRig();
    const { id, base, compositor, controller } = await rig.open(clip);
    await putParts(compositor, clip, 0, 12);
    await expect.poll(() => readdir(join(rig.dataDir, 'segments', controller.broadcast, VIDEO))).toContain('1.m4s');
    const folder = join(rig.dataDir, 'segments', controller.broadcast, AUDIO);
    for (const number of [2, 3]) await symlink('/dev/full', join(folder, `${number}.part.m4s`));
    await putParts(compositor, clip, 2, 24);
    const told = await controller.waitFor('recording', (r) => !r.status.complete);
    expect(told.status).toMatchObject({
      id,
      state: 'recording',
      complete: false,
      reason: 'there is no space left on the disk',
    });
    expect(await rig.event('incomplete', id)).toMatchObject({ state: 'recording', complete: false });
    expect(await textOf(`${base}/${VIDEO}/index.m3u8`)).toContain('\n5.m4s\n');
    for (const number of [2, 3, 5]) expect((await fetch(`${base}/${VIDEO}/${number}.m4s`)).status).toBe(200);
    for (const number of [2, 3]) await rm(join(folder, `${number}.part.m4s`));
    controller.send({ type: 'end' });
    await expect.poll(() => rig.events.filter((e) => e.type === 'incomplete').length, { timeout: 30_000 }).toBe(2);
    const recording = Recording.parse(await (await rig.ask(`/${id}`)).json());
    expect(recording).toMatchObject({ state: 'incomplete', complete: false, slateSegments: 2, durationSeconds: 12 });
    const { complaints, times } = await decode(`${rig.stack.url}/recordings/${id}/program.mp4`);
    expect(complaints).toBe('');
    expect(times).toHaveLength(360);
  });

  test('a data directory on a disk that is really full', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'lianmai-full-'));
    onTestFinished(() => rm(parent, { recursive: true, force: true }));
    const dataDir = join(parent, 'disk');
    await mkdir(dataDir);
    if (!mountTmpfs(dataDir, '4m')) return;
    onTestFinished(() => void execFileSync('umount', ['-l', dataDir]));
    const rig = await RecordingRig.start({ dataDir });
    onTestFinished(() => rig.close());
    const { id, base, compositor, controller } = await rig.open(clip);
    await putParts(compositor, clip, 0, 6 * 90);
    await controller.waitFor('recording', (r) => !r.status.complete);
    // The database is on the same disk; the live program does not care.
    expect(await textOf(`${base}/${VIDEO}/index.m3u8`)).toContain('\n89.m4s\n');
    expect((await fetch(`${base}/${VIDEO}/89.m4s`)).status).toBe(200);
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    expect(rig.recordings.status(controller.broadcast)).toMatchObject({ id, complete: false });
    expect((await stat(join(dataDir, 'segments', controller.broadcast, VIDEO, '0.m4s'))).size).toBeGreaterThan(0);
  });
});
