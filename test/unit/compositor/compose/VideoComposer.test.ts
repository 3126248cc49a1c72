import { afterEach, describe, expect, test } from 'vitest';
import { Stager } from '../../../../compositor/compose/Stage.ts';
import type { VideoComposer } from '../../../../compositor/compose/VideoComposer.ts';
import type { Picture } from '../../../../compositor/decode/VideoDecoder.ts';
import type { SceneInput } from '../../../../src/contracts/scene.ts';
import {
  type Cast,
  composerOf,
  compositionOf,
  FPS,
  grainyPicture,
  peerId,
  plainImage,
  plainPicture,
  TestAssets,
  visible,
  yuvAt,
} from '../../../support/compose/stages.ts';

const WIDTH = 640;
const HEIGHT = 360;
const LOGO = 'a'.repeat(64);
const BACKGROUND = 'b'.repeat(64);

const assets = new TestAssets();
assets.images.set(LOGO, plainImage(80, 40, [230, 40, 60, 255]));
assets.images.set(BACKGROUND, plainImage(40, 30, [20, 90, 160, 255]));

/** A program: its composer, its stager, and the pictures that its sources have now. */
class Show {
  readonly composer: VideoComposer;
  readonly stager: Stager;
  readonly pictures = new Map<string, Picture>();
  frame = -1;

  constructor(width = WIDTH, height = HEIGHT) {
    this.composer = composerOf(width, height);
    this.stager = new Stager(width, height, assets);
  }

  async set(cast: Cast, scene: SceneInput = {}): Promise<void> {
    this.composer.setStage(await this.stager.stage(compositionOf(cast, scene)), this.frame + 1);
  }

  give(source: string, picture: Picture): void {
    this.pictures.set(source, picture);
  }

  async next(frames = 1): Promise<void> {
    for (let i = 0; i < frames; i++) {
      this.frame += 1;
      await this.composer.compose(this.frame, (this.frame * 1000) / FPS, (id) => this.pictures.get(id) ?? null);
    }
  }

  get seen(): Buffer {
    return visible(this.composer.canvas);
  }

  at(x: number, y: number): [number, number, number] {
    return yuvAt(this.composer.canvas, x, y);
  }

  close(): void {
    this.composer.close();
  }
}

const shows: Show[] = [];
function show(width?: number, height?: number): Show {
  const made = new Show(width, height);
  shows.push(made);
  return made;
}
afterEach(() => {
  for (const made of shows.splice(0)) made.close();
});

/** What a composer draws that knows nothing but this stage and these pictures. */
async function drawnFromScratch(
  cast: Cast,
  scene: SceneInput,
  pictures: Map<string, Picture>,
  of: Show,
): Promise<Buffer> {
  const { width, height } = of.composer.canvas;
  const fresh = show(width, height);
  fresh.frame = of.frame - 1;
  for (const [id, picture] of pictures) fresh.give(id, picture);
  await fresh.set(cast, scene);
  await fresh.next();
  return fresh.seen;
}

const camera = (i: number) => `${peerId(i)}.camera`;
const screen = (i: number) => `${peerId(i)}.screen`;
const overlapping: SceneInput = {
  backgroundImage: BACKGROUND,
  tiles: { radius: 0.12, border: { width: 0.01, color: '#ffcc00' } },
  layout: {
    type: 'custom',
    tiles: [
      { show: 0, x: 0.05, y: 0.05, width: 0.7, height: 0.7 },
      { show: 1, x: 0.4, y: 0.3, width: 0.5, height: 0.6, z: 2 },
      { show: 2, x: 0.3, y: 0.5, width: 0.2, height: 0.36, z: 1, radius: 0.5 },
      { show: 3, x: 0.02, y: 0.8, width: 0.2, height: 0.18, border: null, radius: 0 },
    ],
  },
};
const titled: SceneInput = {
  lowerThird: { title: 'A title', subtitle: 'and below' },
  captions: 'Words that are said',
  logo: { image: LOGO, opacity: 0.6 },
};

describe('what was drawn step by step equals what is drawn from scratch', () => {
  test.each([
    ['grid', {}],
    ['grid with everything', { ...titled, backgroundImage: BACKGROUND, tiles: { gap: 0.02, radius: 0.1 } }],
    ['overlapping', overlapping],
    ['overlapping with titles', { ...overlapping, ...titled }],
    ['pip', { layout: { type: 'pip' }, tiles: { radius: 0.2, border: { width: 0.012, color: '#ffffff' } } }],
    ['screen', { backgroundImage: BACKGROUND, tiles: { gap: 0.01, radius: 0.05 } }],
  ] as [string, SceneInput][])('%s', async (name, scene) => {
    const screens = name === 'screen' ? [0] : [];
    const made = show();
    const cast: Cast = { people: 5, off: [3], screens, heard: [0, 1, 2] };
    for (let i = 0; i < 5; i++) made.give(camera(i), grainyPicture(320, 180, i));
    made.give(screen(0), grainyPicture(400, 300, 9));
    await made.set(cast, scene);
    await made.next();
    let last: Cast = cast;
    let lastScene = scene;
    const change = async (castChange: Partial<Cast>, sceneChange: SceneInput = {}) => {
      last = { ...last, ...castChange };
      lastScene = { ...lastScene, ...sceneChange };
      await made.set(last, lastScene);
    };
    // One thing after the other changes: a picture, who speaks, who is muted, a camera, a caption.
    const steps: (() => void | Promise<void>)[] = [
      () => made.give(camera(1), grainyPicture(320, 180, 21, 100)),
      () => made.give(camera(0), grainyPicture(240, 320, 22, 100)),
      () => change({ speaking: [1] }),
      () => made.give(screen(0), grainyPicture(300, 300, 23, 100)),
      () => change({ heard: [0, 2], speaking: [0] }),
      () => change({}, { captions: 'Others, and a good deal longer than before' }),
      () => made.give(camera(2), grainyPicture(160, 90, 24, 100)),
      () => change({ off: [3, 1] }),
      () => change({}, { captions: '', lowerThird: null, logo: null }),
    ];
    for (const [i, step] of steps.entries()) {
      await step();
      await made.next();
      const expected = await drawnFromScratch(last, lastScene, made.pictures, made);
      expect(made.seen.equals(expected), `step ${i}`).toBe(true);
    }
  });

  test('a tile whose picture has not changed is not drawn again', async () => {
    const made = show();
    for (const i of [0, 1]) made.give(camera(i), grainyPicture(320, 180, i));
    await made.set({ people: 2 });
    await made.next();
    const [luma] = made.composer.canvas.planes;
    const stride = made.composer.canvas.strides[0];
    luma[100 * stride + 100] = 1;
    luma[100 * stride + 500] = 1;
    made.give(camera(1), grainyPicture(320, 180, 7, 33));
    await made.next();
    expect(made.at(100, 100)[0]).toBe(1);
    expect(made.at(500, 100)[0]).not.toBe(1);
  });
});

describe('transitions', () => {
  const RED = [81, 90, 240] as const;
  const BLUE = [41, 240, 110] as const;

  test.each([
    ['somebody comes', { people: 2 }, {}, { people: 3 }, {}],
    ['somebody goes', { people: 3 }, {}, { people: 2 }, {}],
    ['grid to pip', { people: 3 }, {}, { people: 3 }, { layout: { type: 'pip' }, tiles: { radius: 0.2 } }],
    ['everything', { people: 4 }, { tiles: { gap: 0.02 } }, { people: 5, off: [2] }, { ...overlapping, ...titled }],
    ['all go', { people: 3 }, {}, { people: 0 }, {}],
    ['the first comes', { people: 0 }, {}, { people: 1 }, {}],
  ] as [string, Cast, SceneInput, Cast, SceneInput][])(
    '%s: ends as if it had been there for ever',
    async (_, before, was, after, will) => {
      const made = show();
      for (let i = 0; i < 5; i++) made.give(camera(i), grainyPicture(320, 180, i));
      await made.set(before, was);
      await made.next(3);
      const start = made.seen;
      await made.set(after, will);
      // 300 ms at 30 frames a second.
      for (let i = 0; i < 9; i++) {
        // Sources keep playing.
        for (let p = 0; p < 5; p++) made.give(camera(p), grainyPicture(320, 180, p + 10 * i, 200 + 33 * i));
        const last = made.seen;
        await made.next();
        expect(made.composer.isMoving).toBe(true);
        expect(made.seen.equals(last)).toBe(false);
        if (i === 0) expect(made.seen.equals(start)).toBe(false);
      }
      await made.next();
      expect(made.composer.isMoving).toBe(false);
      expect(made.seen.equals(await drawnFromScratch(after, will, made.pictures, made))).toBe(true);
    },
  );

  test('a cut is at once', async () => {
    const made = show();
    for (let i = 0; i < 3; i++) made.give(camera(i), grainyPicture(320, 180, i));
    await made.set({ people: 2 });
    await made.next();
    const scene: SceneInput = { transition: { type: 'cut' }, layout: { type: 'sidebar' } };
    await made.set({ people: 3 }, scene);
    await made.next();
    expect(made.seen.equals(await drawnFromScratch({ people: 3 }, scene, made.pictures, made))).toBe(true);
  });

  test('a tile moves, and one that leaves fades while it keeps its last picture', async () => {
    const made = show();
    made.give(camera(0), plainPicture(320, 180, RED));
    made.give(camera(1), plainPicture(320, 180, BLUE));
    const scene: SceneInput = { names: false, marks: { muted: false, speaking: false } };
    await made.set({ people: 2 }, scene);
    await made.next();
    expect(made.at(330, 180)).toEqual([...BLUE]);
    await made.set({ people: 1 }, scene);
    // Its source has gone with its person.
    made.pictures.delete(camera(1));
    const share: number[] = [];
    for (let i = 0; i < 9; i++) {
      await made.next();
      expect(made.at(20, 180)).toEqual([...RED]);
      share.push(made.at(630, 180)[1]);
    }
    // From blue through the background to red, which reaches the edge at last.
    expect(share[0]).toBeGreaterThan(200);
    expect(share.every((cb, i) => i === 0 || cb <= (share[i - 1] ?? 0))).toBe(true);
    await made.next();
    expect(made.at(630, 180)).toEqual([...RED]);
  });

  test('a change in the middle of a change starts from where the tiles are', async () => {
    const made = show();
    for (let i = 0; i < 3; i++) made.give(camera(i), plainPicture(320, 180, [60 + 60 * i, 128, 128]));
    const scene: SceneInput = { names: false, marks: { muted: false, speaking: false } };
    await made.set({ people: 2 }, scene);
    await made.next();
    await made.set({ people: 2 }, { ...scene, layout: { type: 'split', share: 0.8 } });
    await made.next(5);
    /** Where the second tile begins. */
    const edge = () => Array.from({ length: WIDTH }, (_, x) => made.at(x, 180)[0]).findIndex((y) => y > 90);
    const half = edge();
    expect(half).toBeGreaterThan(330);
    expect(half).toBeLessThan(505);
    await made.set({ people: 2 }, { ...scene, layout: { type: 'split', share: 0.3 } });
    await made.next();
    expect(Math.abs(edge() - half)).toBeLessThan(30);
    await made.next(9);
    expect(Math.abs(edge() - WIDTH * 0.3)).toBeLessThan(4);
  });

  test('who speaks changes nothing of where tiles are', async () => {
    const made = show();
    for (let i = 0; i < 2; i++) made.give(camera(i), grainyPicture(320, 180, i));
    await made.set({ people: 2, heard: [0, 1] });
    await made.next();
    await made.set({ people: 2, heard: [0, 1], speaking: [1] });
    await made.next();
    expect(made.composer.isMoving).toBe(false);
    expect(
      made.seen.equals(await drawnFromScratch({ people: 2, heard: [0, 1], speaking: [1] }, {}, made.pictures, made)),
    ).toBe(true);
  });
});
