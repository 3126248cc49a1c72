/** The pure parts of `npm run bench -- cadence` and `join`: what they find in programs with known faults. */
import { describe, expect, test } from 'vitest';
import { judgeCadence } from '../../../../scripts/bench/support/cadenceJudge.ts';
import { planActions, sceneOf } from '../../../../scripts/bench/support/cadencePlan.ts';
import { judgeJoin } from '../../../../scripts/bench/support/joinJudge.ts';
import { heardOf, roomsOf } from '../../../../scripts/bench/support/story.ts';
import { drawSound } from '../../../../scripts/simulator/clip/drawSound.ts';
import { CLIP_FRAMES, isFlash } from '../../../../scripts/simulator/clip/frameCode.ts';
import type { SimulatorEvent } from '../../../../scripts/simulator/events.ts';
import { Scene, type SceneInput } from '../../../../src/contracts/scene.ts';
import type { ShownFrame, ShownTile } from '../../../support/program/readShow.ts';

const FPS = 30;
const SECONDS = 20;
const CELL = { x: 0, y: 0, width: 640, height: 360 };
const EPOCH = 1_763_951_234_000;

/** Two peers that are seen and heard all the time; what a tile shows may be changed. */
function program(change: (frame: number, tile: ShownTile) => Partial<ShownTile> | null = () => ({})): ShownFrame[] {
  return Array.from({ length: SECONDS * FPS }, (_, frame) => ({
    ...{ frame, scene: 0, room: 0 },
    tiles: [0, 1].flatMap((clip) => {
      const counter = frame % CLIP_FRAMES;
      const tile = { clip, cell: CELL, live: true, counter, flash: isFlash(clip, counter), atRest: true };
      const changed = change(frame, tile);
      return changed ? [{ ...tile, ...changed }] : [];
    }),
  }));
}

/** Both clips' sound, as it leaves a decoder. */
function sound(lateSeconds = 0) {
  const samples = new Float32Array(SECONDS * 48_000);
  for (const clip of [0, 1]) {
    const once = drawSound(clip);
    const shift = 312 + Math.round(lateSeconds * 48_000);
    for (let i = shift; i < samples.length; i++)
      samples[i] = (samples[i] ?? 0) + (once[(i - shift) % once.length] ?? 0);
  }
  return { samples, sampleRate: 48_000, start: 0 };
}

const sending = (peer: number, seconds: number): SimulatorEvent => ({
  ...{ event: 'sending', peer, atMs: EPOCH + seconds * 1000 },
});
const doing = (peer: number, what: 'join' | 'leave' | 'camera-off' | 'mute', seconds: number): SimulatorEvent => ({
  ...{ event: 'doing', peer, do: what, atMs: EPOCH + seconds * 1000 },
});
const events = [sending(0, -3), sending(1, -2)];

function judge(frames: ShownFrame[], heard = sound()) {
  const { details: _, ...result } = judgeCadence({ frames, sound: heard, events, epochMs: EPOCH }, FPS);
  return result;
}

describe('cadence', () => {
  test('a program without a fault passes', () => {
    const result = judge(program());
    expect(result).toMatchObject({ missing: 0, doubled: 0, audio_gaps: 0, pass: true, program_stood: 0 });
    expect(result.freeze_ms_max).toBeCloseTo(33.3, 1);
    expect(result.av_offset_ms_max).toBeLessThan(3);
    expect(result.av_events).toBeGreaterThan(15);
  });

  test('the last picture of who leaves stands until the going holds, and is no fault; of who stays it is', () => {
    const left: SimulatorEvent = { event: 'doing', peer: 1, do: 'leave', atMs: EPOCH + 10_000 };
    const shown = program((frame, { clip }) => {
      if (clip !== 1 || frame < 303) return {};
      return frame < 308 ? { counter: 2 } : null;
    });
    const judged = (all: SimulatorEvent[]) =>
      judgeCadence({ frames: shown, sound: sound(), events: all, epochMs: EPOCH }, FPS);
    expect(judged([...events, left])).toMatchObject({ doubled: 0, missing: 0 });
    expect(judged([...events]).doubled).toBeGreaterThanOrEqual(4);
  });

  test('a picture twice and the next never', () => {
    const shown = program((frame, { clip }) => (clip === 1 && frame === 200 ? { counter: 199 } : {}));
    expect(judge(shown)).toMatchObject({ missing: 1, doubled: 1, pass: false, program_stood: 0 });
    expect(judge(shown).counter_faults).toEqual([
      [1, 200, -1],
      [1, 201, 1],
    ]);
  });

  test('a freeze of all tiles, and frames that the program lacks', () => {
    const frozen = program((frame) => (frame > 100 && frame <= 104 ? { counter: 100 } : {}));
    expect(judge(frozen)).toMatchObject({ doubled: 8, missing: 8, program_stood: 4 });
    expect(judge(frozen).freeze_ms_max).toBeGreaterThan(100);
    expect(judge(program().filter(({ frame }) => frame !== 50))).toMatchObject({ missing: 1, pass: false });
  });

  test('sound that is late, and sound that is away', () => {
    expect(judge(program(), sound(0.08)).av_offset_ms_max).toBeGreaterThan(75);
    const cut = sound();
    cut.samples.fill(0, 8 * 48_000, 11 * 48_000);
    expect(judge(program(), cut)).toMatchObject({ pass: false });
    expect(judge(program(), cut).audio_gaps).toBeGreaterThanOrEqual(2);
  });

  test('the plan: everybody but the host leaves and comes, all is undone, every scene is a scene', () => {
    const actions = planActions(8, 180);
    for (const peer of [1, 2, 3, 4, 5, 6, 7]) {
      const own = actions.filter((action) => action.peer === peer).map((action) => action.do);
      expect(new Set(own).size).toBe(6);
    }
    const left = actions.filter((action) => action.do === 'leave').length;
    expect(actions.filter((action) => action.do === 'join').length).toBe(left);
    expect(Math.max(...actions.map(({ at }) => at))).toBeLessThan(180);
    const ids = ['paaaaaaaa', 'pbbbbbbbb', 'pcccccccc'];
    const scenes = Array.from({ length: 12 }, (_, turn) => Scene.parse(sceneOf(turn, ids)));
    expect(new Set(scenes.map(({ layout }) => layout.type)).size).toBe(7);
  });
});

describe('story', () => {
  const joined = (peer: number, id: string, seconds: number): SimulatorEvent => ({
    ...{ event: 'joined', peer, id, atMs: EPOCH + seconds * 1000 },
  });
  const told = [
    ...[joined(0, 'pa', -3), joined(1, 'pb', -3), sending(1, -3), doing(1, 'camera-off', 2), doing(1, 'leave', 4)],
    ...[doing(1, 'join', 6), joined(1, 'pc', 6.4), sending(1, 6.5), doing(1, 'mute', 9)],
  ];

  test('who is in the room from when at the earliest', () => {
    const rooms = roomsOf(told, { epochMs: EPOCH, fps: FPS, seated: ['pb', 'pa'] });
    expect(rooms.map(({ people }) => people.map(({ id, cameraOn }) => `${id}${cameraOn ? '' : '-'}`).join())).toEqual([
      'pb,pa',
      'pb-,pa',
      'pa',
      'pa,pc',
    ]);
    expect(rooms.slice(1).map(({ fromFrame }) => fromFrame)).toEqual([58, 118, 178]);
  });

  test('who is heard', () => {
    expect(heardOf(told, EPOCH, 20)).toEqual([
      { peer: 1, from: -3, to: 4 },
      { peer: 1, from: 6.5, to: 9 },
    ]);
  });
});

describe('join', () => {
  const change = (fromFrame: number, input: SceneInput) => ({
    ...{ fromFrame, scene: Scene.parse(input), answeredMs: 0, askedMs: EPOCH + ((fromFrame - 4) * 1000) / FPS },
  });
  const none = change(0, {});
  const run = (frames: ShownFrame[], scenes = [none]) =>
    judgeJoin({ frames, events: [sending(1, 2), doing(1, 'camera-off', 10)], scenes, epochMs: EPOCH }, FPS);
  /** Peer 1 is seen from frame `from` to before `to`. */
  const seen = (from: number, to: number) =>
    program((frame, { clip }) => (clip === 0 ? {} : frame < from || frame >= to ? { counter: null, live: false } : {}));

  test('from the first packet to the first pixel, from camera off to the placeholder', () => {
    const result = run(seen(72, 306));
    expect(result.first_pixel_ms_p95).toBe(400);
    expect(result.placeholder_ms_p95).toBe(200);
  });

  test('what is never seen is no value, and fails', () => {
    expect(run(seen(590, 600))).toMatchObject({ first_pixel_ms_p95: null, pass: false });
    expect(run(seen(72, 600))).toMatchObject({ placeholder_ms_p95: null, pass: false, never_seen: 1 });
  });

  test('a scene that is there at its frame, three frames late, one frame early', () => {
    const unread = (...at: number[]) => program((frame) => (at.includes(frame) ? { counter: null } : {}));
    const cut = [none, change(300, { transition: { type: 'cut' } })];
    expect(run(unread(), cut)).toMatchObject({ scene_frames_max: 0, scenes_too_early: 0 });
    expect(run(unread(), cut).scene_ms?.max).toBeCloseTo(133.3, 1);
    expect(run(unread(300, 301, 302), cut)).toMatchObject({ scene_frames_max: 3, pass: false });
    expect(run(unread(299), cut)).toMatchObject({ scenes_too_early: 1, pass: false });
    const smooth = [none, change(300, {})];
    expect(run(unread(300, 304, 308), smooth)).toMatchObject({ scene_frames_max: 0 });
    expect(run(unread(309, 310), smooth)).toMatchObject({ scene_frames_max: 2 });
  });
});
