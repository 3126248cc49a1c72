/** Recordings that begin and end while their broadcast goes on: each can be played, and is there before the show is over. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import HLS from 'hls-parser';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Recording } from '../../src/contracts/recording.ts';
import { TestController } from '../support/deliveryStack.ts';
import { decode, probe } from '../support/mediaFiles.ts';
import { AUDIO, ProgramRun, TestClip, VIDEO } from '../support/programParts.ts';
import { newRig, type RecordedRoom, type RecordingRig } from '../support/RecordingRig.ts';

const FRAME_SECONDS = 1 / 30;
let clip: TestClip;
beforeAll(async () => {
  clip = await TestClip.make();
});
afterAll(() => clip.close());

/** A program whose parts are put one after the other; it may stop anywhere. */
class Show {
  readonly room: RecordedRoom;
  readonly #run = new ProgramRun(clip, 0);

  constructor(room: RecordedRoom) {
    this.room = room;
    onTestFinished(() => this.#run.close());
  }

  async put(parts: number): Promise<void> {
    for (let i = 0; i < parts; i++) {
      const { segment, part, video, audio } = this.#run.next();
      for (const [rendition, bytes] of [
        [AUDIO, audio],
        [VIDEO, video],
      ] as const)
        expect((await this.room.compositor.put(`${rendition}/${segment}/${part}`, bytes)).status).toBe(204);
    }
  }

  /** Resolves when it is, or is not any more. */
  async record(rig: RecordingRig, on: boolean): Promise<void> {
    this.room.controller.send({ type: 'record', on });
    const { broadcast } = this.room.controller;
    const recorded = () => rig.recordings.live(broadcast)?.record?.state === 'recording';
    await expect.poll(recorded).toBe(on);
  }
}

const textOf = async (url: string): Promise<string> => {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.text();
};

/** Numbers of its segments, read strictly; its MP4 decodes without a complaint and is as long as the API says. */
async function played(rig: RecordingRig, recording: Recording): Promise<number[]> {
  const base = `${rig.stack.url}/recordings/${recording.id}`;
  const numbers: number[][] = [];
  for (const id of [VIDEO, AUDIO]) {
    const media = HLS.parse(await textOf(`${base}/${id}/index.m3u8`)) as HLS.types.MediaPlaylist;
    expect(media).toMatchObject({ playlistType: 'VOD', endlist: true });
    numbers.push(media.segments.map(({ uri }) => Number.parseInt(uri, 10)));
  }
  expect(numbers[1]).toEqual(numbers[0]);
  const { complaints, times } = await decode(`${base}/program.mp4`);
  expect(complaints).toBe('');
  expect(times.length * FRAME_SECONDS).toBeCloseTo(recording.durationSeconds, 1);
  expect((await probe(`${base}/index.m3u8`)).format.duration).toBeCloseTo(recording.durationSeconds, 1);
  return numbers[0] ?? [];
}

test('begun late, it begins with the segment that is shown; its start is that one’s', async () => {
  const rig = await newRig();
  const show = new Show(await rig.open(clip, { record: false }));
  const { id, controller } = show.room;
  await show.put(6 * 2 + 2);
  expect(await readdir(rig.dataDir)).not.toContain('segments');
  await show.record(rig, true);
  expect(await rig.event('started', id)).toMatchObject({ startedAt: Math.round(controller.epoch + 4_000) });
  expect((await controller.waitFor('recording')).status).toMatchObject({
    ...{ id, state: 'recording', startedAt: Math.round(controller.epoch + 4_000) },
  });
  await show.put(4 + 6);
  controller.send({ type: 'end' });
  const recording = await rig.event('finished', id);
  expect(recording).toMatchObject({ state: 'finished', complete: true, slateSegments: 0, durationSeconds: 4 });
  expect(await played(rig, recording)).toEqual([2, 3]);
});

test('ended early, it is finished while the broadcast goes on; begun again, it is another one', async () => {
  const rig = await newRig();
  const show = new Show(await rig.open(clip));
  const { id, base, controller } = show.room;
  await show.put(6 * 2 + 3);
  await show.record(rig, false);
  const first = await rig.event('finished', id);
  expect(first).toMatchObject({ complete: true, durationSeconds: 5 });
  expect(await played(rig, first)).toEqual([0, 1, 2]);
  // The same wish twice changes nothing.
  await show.record(rig, false);
  await show.put(6 + 3);
  expect(await textOf(`${base}/${VIDEO}/index.m3u8`)).not.toMatch(/ENDLIST|GAP/);
  await show.record(rig, true);
  await show.put(6 * 2);
  controller.send({ type: 'end' });
  await expect.poll(() => rig.events.filter(({ type }) => type === 'finished').length, { timeout: 60_000 }).toBe(2);
  const second = rig.events.findLast(({ type }) => type === 'finished')?.recording;
  if (!second) throw new Error('there is no second recording');
  expect(second.id).not.toBe(id);
  expect(second).toMatchObject({ broadcast: controller.broadcast, complete: true, durationSeconds: 4 });
  expect(await played(rig, second)).toEqual([4, 5]);
  const { recordings } = (await (await rig.ask(`?room=${show.room.room}`)).json()) as { recordings: Recording[] };
  expect(recordings.map((recording) => recording.id)).toEqual([second.id, id]);
});

test('of a broadcast with a time shift: viewers can go back as before, also beyond what is recorded', async () => {
  const rig = await newRig();
  const show = new Show(await rig.open(clip, { record: false, dvrSeconds: 60 }));
  const { id, base, controller } = show.room;
  await show.put(6 * 2);
  await show.record(rig, true);
  await show.put(6 * 2);
  await show.record(rig, false);
  const recording = await rig.event('finished', id);
  expect(await played(rig, recording)).toEqual([2, 3]);
  await show.put(6);
  for (const number of [0, 1, 3]) expect((await fetch(`${base}/${VIDEO}/${number}.m4s`)).status).toBe(200);
  expect(await readdir(join(rig.dataDir, 'segments'))).toEqual([controller.broadcast]);
});

test('a process that is killed leaves both: what had been ended, and what was being recorded', async () => {
  const rig = await newRig();
  const show = new Show(await rig.open(clip));
  const { id, controller } = show.room;
  await show.put(6 * 2);
  await show.record(rig, false);
  await rig.event('finished', id);
  await show.put(6);
  await show.record(rig, true);
  await show.put(6);
  const later = rig.recordings.live(controller.broadcast)?.record?.id ?? '';
  await rig.recordings.live(controller.broadcast)?.archive.flush();
  const dataDir = await rig.snapshot();
  // Nobody comes back for the broadcast.
  const next = await newRig({ dataDir, delivery: { reclaimMs: 1 } });
  const recording = await next.event('finished', later);
  expect(await played(next, recording)).toEqual([3]);
  expect((await next.ask(`/${id}`)).status).toBe(200);
});

test('a controller that comes back says what is wanted: it is switched then', async () => {
  const rig = await newRig();
  const show = new Show(await rig.open(clip, { record: false }));
  const { controller, room, id } = show.room;
  await show.put(2);
  controller.drop();
  const again = await TestController.open(rig.stack, {
    ...{ room, broadcast: controller.broadcast, answersClock: false, order: { record: true } },
  });
  onTestFinished(() => again.drop());
  await again.waitFor('opened');
  await expect.poll(() => rig.recordings.live(controller.broadcast)?.record?.state).toBe('recording');
  await show.put(4);
  again.send({ type: 'end' });
  const recording = await rig.event('finished', id);
  expect(recording).toMatchObject({ complete: true, durationSeconds: 2 });
  expect(await played(rig, recording)).toEqual([0]);
});
