/**
 * `npm run bench -- transition [--tiles 9] [--width 1280] [--height 720] [--json]`: what a frame costs while all tiles move. As many
 * 640x360 sources, each with a new picture in every frame, go from a grid to a sidebar and back, at once after one another. Timed is the
 * drawing of one frame: taking the pictures, scaling, corners, borders, labels and layers; `frame_cpu_ms` is its CPU on all threads, mean.
 */

import { AV_PIX_FMT_YUV420P, FFmpegError, Frame } from 'node-av';
import { pino } from 'pino';
import { planesOf } from '../../compositor/compose/Canvas.ts';
import { Stager } from '../../compositor/compose/Stage.ts';
import { VideoComposer } from '../../compositor/compose/VideoComposer.ts';
import type { Picture } from '../../compositor/decode/VideoDecoder.ts';
import { Scene, type SceneInput } from '../../src/contracts/scene.ts';
import type { Bench } from '../bench.ts';

const FPS = 30;
/** So many changes are timed; the first two are not: code is compiled, memory is taken. */
const CHANGES = 40;
const WARM_UP = 2;
const SOURCE = { width: 640, height: 360 };
/** Pictures of one source that take turns. */
const PICTURES = 3;

const tiles = { gap: 0.012, radius: 0.06 };
const titles = {
  lowerThird: { title: 'Who we are', subtitle: 'and what this is about' },
  captions: 'What is said now',
};
const SCENES: Record<string, [SceneInput, SceneInput]> = {
  plain: [{}, { layout: { type: 'sidebar' } }],
  styled: [
    { tiles, ...titles },
    { tiles, ...titles, layout: { type: 'sidebar' } },
  ],
};

function noise(seed: number): Picture {
  const frame = new Frame();
  frame.alloc();
  frame.width = SOURCE.width;
  frame.height = SOURCE.height;
  frame.format = AV_PIX_FMT_YUV420P;
  FFmpegError.throwIfError(frame.getBuffer(), 'picture');
  for (const plane of planesOf(frame)[0]) for (let i = 0; i < plane.length; i++) plane[i] = (i * seed * 7) % 251;
  return { frame, ...SOURCE, playoutMs: 0 };
}

const percentile = (sorted: readonly number[], part: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 100) / 100;

function numberOf(args: readonly string[], name: string, fallback: number): number {
  const at = args.indexOf(`--${name}`);
  const value = at < 0 ? fallback : Number(args[at + 1]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} wants a number`);
  return value;
}

export const run: Bench = async ({ args, say, signal }) => {
  const count = numberOf(args, 'tiles', 9);
  const [width, height] = [numberOf(args, 'width', 1280), numberOf(args, 'height', 720)];
  const ids = Array.from({ length: count }, (_, i) => `p${String(i).padStart(8, 'a')}`);
  const pictures = new Map(
    ids.map((id, i) => [`${id}.camera`, Array.from({ length: PICTURES }, (_, n) => noise(1 + i * PICTURES + n))]),
  );
  const stager = new Stager(width, height);
  const result: Record<string, unknown> = { tiles: count, width, height };
  for (const [name, scenes] of Object.entries(SCENES)) {
    const composer = new VideoComposer({ width, height, fps: FPS, logger: pino({ level: 'silent' }) });
    const moving: number[] = [];
    const still: number[] = [];
    let frame = 0;
    let cpuMs = 0;
    for (let change = 0; change < CHANGES && !signal.aborted; change++) {
      const stage = await stager.stage({
        scene: Scene.parse(scenes[(change % 2) as 0 | 1]),
        peers: ids.map((id, i) => ({ id, name: `Person ${i + 1}` })),
        sources: ids.map((peer) => ({ id: `${peer}.camera`, peer, kind: 'camera' as const, paused: false })),
        active: null,
      });
      composer.setStage(stage, frame);
      // The transition's frames, and as many at rest.
      for (let i = 0; i < 20; i++, frame++) {
        const cpuBefore = process.cpuUsage();
        const startedAt = performance.now();
        await composer.compose(frame, 0, (id) => pictures.get(id)?.[frame % PICTURES] ?? null);
        const ms = performance.now() - startedAt;
        if (change < WARM_UP) continue;
        (composer.isMoving ? moving : still).push(ms);
        if (!composer.isMoving) continue;
        const { user, system } = process.cpuUsage(cpuBefore);
        cpuMs += (user + system) / 1000;
      }
    }
    composer.close();
    moving.sort((a, b) => a - b);
    still.sort((a, b) => a - b);
    const figures = {
      frame_ms_p50: percentile(moving, 0.5),
      frame_ms_p95: percentile(moving, 0.95),
      frame_cpu_ms: Math.round((cpuMs / Math.max(1, moving.length)) * 100) / 100,
      still_ms_p50: percentile(still, 0.5),
      still_ms_p95: percentile(still, 0.95),
      frames: moving.length,
    };
    say(`${name}: ${JSON.stringify(figures)}`);
    if (name === 'styled') Object.assign(result, figures);
    else result[name] = figures;
  }
  for (const { frame } of [...pictures.values()].flat()) frame.free();
  return result;
};
