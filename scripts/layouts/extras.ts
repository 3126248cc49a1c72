/** What a scene can do besides its layout, for docs/layouts.md: in: nothing; out: a name, a caption and a shot each. Next: render.ts. */
import { createCanvas } from '@napi-rs/canvas';
import type { ImageAssets, ProgramImage } from '../../compositor/compose/images.ts';
import { Scene, type SceneInput } from '../../src/contracts/scene.ts';
import { CASE_SHAPES, type CaseShape, compositionOf, peerAt } from './cases.ts';
import type { Shot } from './render.ts';

export interface ExtraShot extends Shot {
  /** Also the picture's file name. */
  name: string;
  caption: string;
  /** What is written beside the picture. */
  scene: SceneInput;
}

const LOGO = 'a'.repeat(64);
const BACKGROUND = 'b'.repeat(64);
const AVATAR = 'c'.repeat(64);
const SLATE = 'd'.repeat(64);

function drawnImage(width: number, height: number, paint: (c: ReturnType<typeof contextOf>) => void): ProgramImage {
  const context = contextOf(width, height);
  paint(context);
  return { width, height, pixels: context.getImageData(0, 0, width, height).data };
}
const contextOf = (width: number, height: number) => createCanvas(width, height).getContext('2d');

/** The project's mark: two linked rings, on nothing. */
const logo = drawnImage(520, 320, (context) => {
  context.lineWidth = 52;
  for (const [x, color] of [
    [170, '#7d97ff'],
    [350, '#f06ab4'],
  ] as const) {
    context.strokeStyle = color;
    context.beginPath();
    context.arc(x, 160, 120, 0, Math.PI * 2);
    context.stroke();
  }
});

/** Evening colours over hills. */
const hills = (from: string, to: string) =>
  drawnImage(1280, 1280, (context) => {
    const sky = context.createLinearGradient(0, 0, 0, 1280);
    sky.addColorStop(0, from);
    sky.addColorStop(1, to);
    context.fillStyle = sky;
    context.fillRect(0, 0, 1280, 1280);
    for (let i = 0; i < 4; i++) {
      context.fillStyle = `rgba(20, 24, 60, ${0.16 + i * 0.1})`;
      context.beginPath();
      context.ellipse(200 + i * 330, 1300 - i * 20, 620, 560 - i * 90, 0, 0, Math.PI * 2);
      context.fill();
    }
  });

const avatar = drawnImage(256, 256, (context) => {
  context.fillStyle = '#ffd166';
  context.fillRect(0, 0, 256, 256);
  context.fillStyle = '#1b1f3b';
  for (const [x, y, r] of [
    [84, 104, 18],
    [172, 104, 18],
  ] as const) {
    context.beginPath();
    context.arc(x, y, r, 0, Math.PI * 2);
    context.fill();
  }
  context.lineWidth = 16;
  context.lineCap = 'round';
  context.strokeStyle = '#1b1f3b';
  context.beginPath();
  context.arc(128, 134, 62, Math.PI * 0.15, Math.PI * 0.85);
  context.stroke();
});

const IMAGES: Readonly<Record<string, ProgramImage>> = {
  [LOGO]: logo,
  [BACKGROUND]: hills('#2b2f77', '#e07a5f'),
  [AVATAR]: avatar,
  [SLATE]: hills('#16213f', '#e8a04f'),
};
export const EXTRA_ASSETS: ImageAssets = { image: async (id) => IMAGES[id] ?? null };

const STYLE = { gap: 0.016, radius: 0.07 };
const LOWER_THIRD = { title: 'Ann Lee · 李安', subtitle: 'A talk about tea, live from Hangzhou' };

interface Extra {
  name: string;
  caption: string;
  scene: SceneInput;
  people: number;
  shape?: CaseShape;
  screen?: boolean;
  /** The scene before, and the frame of the transition. */
  from?: { scene: SceneInput; people: number; frame: number };
}

const EXTRAS: Extra[] = [
  {
    name: 'gap',
    caption: 'Tiles with a gap and rounded corners, over a background image.',
    scene: { tiles: STYLE, backgroundImage: BACKGROUND },
    people: 5,
  },
  {
    name: 'border',
    caption: 'A border. Whoever speaks has the mark in its place.',
    scene: {
      tiles: { ...STYLE, border: { width: 0.006, color: '#f4d35e' } },
      background: '#243b53',
    },
    people: 4,
  },
  {
    name: 'lower-third',
    caption: 'A lower third and a logo. A name that would be under the lower third makes room.',
    scene: { lowerThird: LOWER_THIRD, logo: { image: LOGO } },
    people: 1,
  },
  {
    name: 'titles',
    caption: 'Captions are below the lower third. Names in the way of one of them stand higher.',
    scene: {
      tiles: STYLE,
      lowerThird: LOWER_THIRD,
      captions: 'The first leaves are picked in the week before Qingming, when the mornings are still cold.',
      logo: { image: LOGO, corner: 'bottom-right', size: 0.08, opacity: 0.9 },
    },
    people: 3,
  },
  {
    name: 'titles-portrait',
    caption: 'The same in portrait.',
    scene: {
      layout: { type: 'speaker' },
      lowerThird: LOWER_THIRD,
      captions: 'شاي اليوم من هانغتشو، وغدًا من يونّان.',
      logo: { image: LOGO, corner: 'top-left' },
    },
    people: 3,
    shape: 'portrait',
  },
  {
    name: 'pip-left',
    caption: 'Another corner for the small picture. The large one’s name makes room.',
    scene: { layout: { type: 'pip', corner: 'bottom-left' } },
    people: 2,
  },
  {
    name: 'avatar',
    caption: 'An avatar in place of initials while the camera is off; a muted microphone is marked.',
    scene: {
      layout: { type: 'split', share: 0.6 },
      people: { [peerAt(2)]: { avatar: AVATAR, title: 'On the telephone' } },
      sources: { [`${peerAt(2)}.microphone`]: { muted: true } },
      order: [peerAt(3), peerAt(2)],
    },
    people: 4,
  },
  {
    name: 'plain',
    caption: 'Without names and marks.',
    scene: { names: false, marks: { muted: false, speaking: false } },
    people: 4,
  },
  {
    name: 'pinned-screen',
    caption: 'Somebody shares a screen while the layout is `grid`: by `autoScreen` it becomes `screen`.',
    scene: { tiles: { gap: 0.012, radius: 0.06 } },
    people: 4,
    screen: true,
  },
  {
    name: 'discs',
    caption: 'With the largest radius squares are discs.',
    scene: {
      layout: {
        type: 'custom',
        tiles: [
          { show: 0, x: 0.06, y: 0.2, width: 0.27, height: 0.48 },
          { show: 1, x: 0.365, y: 0.2, width: 0.27, height: 0.48 },
          { show: 2, x: 0.67, y: 0.2, width: 0.27, height: 0.48 },
        ],
      },
      tiles: { radius: 0.5 },
      backgroundImage: BACKGROUND,
      captions: '三位客人，三个城市。',
    },
    people: 3,
  },
  {
    name: 'transition',
    caption:
      'A third of the way from `grid` to `sidebar`, while two people come: tiles move and grow, and come by fading in.',
    scene: { layout: { type: 'sidebar' }, tiles: STYLE },
    people: 5,
    from: { scene: { tiles: STYLE }, people: 3, frame: 3 },
  },
  { name: 'slate', caption: 'Nobody is in the program: the slate.', scene: {}, people: 0 },
  {
    name: 'slate-image',
    caption: 'A slate of your own, with the logo.',
    scene: { slateImage: SLATE, logo: { image: LOGO, size: 0.16, corner: 'bottom-right' } },
    people: 0,
  },
];

export const extraShots = (): ExtraShot[] =>
  EXTRAS.map(({ name, caption, scene, people, shape = 'landscape', screen = false, from }) => ({
    name,
    caption,
    scene,
    ...CASE_SHAPES[shape],
    composition: compositionOf(Scene.parse(scene), people, screen),
    ...(from && {
      before: { composition: compositionOf(Scene.parse(from.scene), from.people, screen), frame: from.frame },
    }),
  }));
