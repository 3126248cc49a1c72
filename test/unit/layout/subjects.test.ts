/** Who is in the picture, in which order, under which name, and who has the large place. */
import { describe, expect, test } from 'vitest';
import { Scene, type SceneInput } from '../../../src/contracts/scene.ts';
import { heardSources } from '../../../src/layout/subjects.ts';
import { arrange } from '../../../src/layout/tiles.ts';
import { compositionOf, peerId, source } from './compositions.ts';

const [ann, bob, cy, dee] = [0, 1, 2, 3].map(peerId) as [string, string, string, string];
const sceneOf = (scene: SceneInput) => Scene.parse(scene);
const arranged = (composition: ReturnType<typeof compositionOf>) => arrange(composition, 1280, 720);
const keys = (composition: ReturnType<typeof compositionOf>) => arranged(composition).map((t) => t.key);

describe('order', () => {
  test('the scene’s order, then that of the seats; unknown peers in it change nothing', () => {
    expect(keys(compositionOf(4, { order: [dee, 'pzzzzzzzz1', bob] }))).toEqual([dee, bob, ann, cy]);
  });

  test('who comes, leaves, mutes or speaks does not change the order of the others', () => {
    for (const type of ['grid', 'speaker', 'sidebar'] as const) {
      const before = keys(compositionOf(6, { layout: { type } }));
      const after = keys(compositionOf(7, { layout: { type } }));
      expect(after.slice(0, 6)).toEqual(before);
      const quiet = { ...compositionOf(6, { layout: { type } }), speaking: [cy] };
      expect(keys({ ...quiet, sources: quiet.sources.filter((s) => s.kind === 'camera') })).toEqual(before);
    }
  });

  test('the strip keeps its order whoever is large', () => {
    const room = compositionOf(4, { layout: { type: 'speaker' } });
    expect(keys({ ...room, active: cy })).toEqual([cy, ann, bob, dee]);
    expect(keys({ ...room, active: dee })).toEqual([dee, ann, bob, cy]);
  });
});

describe('the large place', () => {
  test.each(['speaker', 'spotlight', 'sidebar', 'pip'] as const)('%s: the pinned person, else the first', (type) => {
    expect(keys(compositionOf(3, { layout: { type } }))[0]).toBe(ann);
    expect(keys(compositionOf(3, { layout: { type }, pin: cy }))[0]).toBe(cy);
    expect(keys(compositionOf(3, { layout: { type }, pin: `${cy}.camera` }))[0]).toBe(cy);
    expect(keys(compositionOf(3, { layout: { type }, pin: 'pzzzzzzzz1' }))[0]).toBe(ann);
    expect(keys(compositionOf(3, { layout: { type }, pin: `${cy}.screen` }))[0]).toBe(ann);
    expect(keys(compositionOf(3, { layout: { type }, pin: `${cy}.microphone` }))[0]).toBe(ann);
    expect(keys(compositionOf(3, { layout: { type }, pin: cy, people: { [cy]: { hidden: true } } }))[0]).toBe(ann);
  });

  test('a pinned person whose camera goes off keeps the place', () => {
    const room = compositionOf(3, { layout: { type: 'spotlight' }, pin: `${bob}.camera` });
    const off = { ...room, sources: room.sources.map((s) => (s.peer === bob ? { ...s, paused: true } : s)) };
    expect(arranged(off)).toMatchObject([{ key: bob, source: null }]);
  });

  test('speaker: who speaks; a pin wins; the first when the speaker is gone or hidden', () => {
    const room = compositionOf(3, { layout: { type: 'speaker' } });
    expect(keys({ ...room, active: bob })[0]).toBe(bob);
    expect(keys({ ...room, active: 'pzzzzzzzz1' })[0]).toBe(ann);
    expect(keys({ ...room, active: bob, scene: sceneOf({ layout: { type: 'speaker' }, pin: cy }) })[0]).toBe(cy);
    const hidden = sceneOf({ layout: { type: 'speaker' }, people: { [bob]: { hidden: true } } });
    expect(keys({ ...room, active: bob, scene: hidden })).toEqual([ann, cy]);
  });

  test('others do not follow who speaks', () => {
    for (const type of ['grid', 'sidebar', 'pip', 'split', 'spotlight'] as const) {
      expect(keys({ ...compositionOf(3, { layout: { type } }), active: cy })[0]).toBe(ann);
    }
  });

  test('pip and split show two, by the order; pip has the pinned one large', () => {
    expect(keys(compositionOf(4, { layout: { type: 'split' }, order: [dee, cy] }))).toEqual([dee, cy]);
    expect(keys(compositionOf(4, { layout: { type: 'pip' }, pin: cy }))).toEqual([cy, ann]);
    expect(keys(compositionOf(4, { layout: { type: 'spotlight' }, pin: cy }))).toEqual([cy]);
  });
});

describe('screens', () => {
  const screenOf = (peer: string) => `${peer}.screen`;

  test('while one is shared the layout is `screen`, unless it is custom or spotlight, or the scene does not want that', () => {
    for (const type of ['grid', 'speaker', 'sidebar', 'pip', 'split', 'screen'] as const) {
      expect(keys(compositionOf(3, { layout: { type } }, 1))).toEqual([screenOf(ann), ann, bob, cy]);
    }
    expect(keys(compositionOf(3, { layout: { type: 'spotlight' }, pin: bob }, 1))).toEqual([bob]);
    const tiles = [{ show: bob, x: 0, y: 0, width: 0.5, height: 0.5 }];
    expect(keys(compositionOf(3, { layout: { type: 'custom', tiles } }, 1))).toEqual([bob]);
    const split = compositionOf(3, { layout: { type: 'split' }, autoScreen: false }, 1);
    expect(keys(split)).toEqual([screenOf(ann), ann]);
  });

  test('a screen that is paused, hidden or of a hidden person is not shared', () => {
    const room = compositionOf(2, {}, 1);
    const paused = room.sources.map((s) => (s.kind === 'screen' ? { ...s, paused: true } : s));
    expect(keys({ ...room, sources: paused })).toEqual([ann, bob]);
    expect(keys(compositionOf(2, { sources: { [screenOf(ann)]: { hidden: true } } }, 1))).toEqual([ann, bob]);
    expect(keys(compositionOf(2, { people: { [ann]: { hidden: true } } }, 1))).toEqual([bob]);
  });

  test('without a screen: as grid', () => {
    expect(arranged(compositionOf(5, { layout: { type: 'screen' } }))).toEqual(arranged(compositionOf(5)));
  });

  test('of several the pinned, by itself or by its person; else the newest; else the last of the list', () => {
    const room = compositionOf(3, {}, 3);
    expect(keys(room)).toEqual([screenOf(cy), screenOf(ann), ann, screenOf(bob), bob, cy]);
    expect(keys({ ...room, scene: sceneOf({ pin: screenOf(ann) }) })[0]).toBe(screenOf(ann));
    expect(keys({ ...room, scene: sceneOf({ pin: bob }) })[0]).toBe(screenOf(bob));
    const since = { [ann]: 4, [bob]: 7, [cy]: 5 };
    const sources = room.sources.map((s) => ({ ...s, since: since[s.peer] }));
    expect(keys({ ...room, sources })[0]).toBe(screenOf(bob));
    const gone = sources.map((s) => (s.id === screenOf(bob) ? { ...s, paused: true } : s));
    expect(keys({ ...room, sources: gone })[0]).toBe(screenOf(cy));
  });

  test('somebody with a screen and no camera is that screen, and so is a pin of that person', () => {
    const room = compositionOf(2, { layout: { type: 'sidebar' }, autoScreen: false, pin: ann }, 1);
    const sources = room.sources.filter((s) => s.id !== `${ann}.camera`);
    expect(keys({ ...room, sources })).toEqual([screenOf(ann), bob]);
  });
});

describe('what the scene says of a person', () => {
  test('name, title and avatar; on a screen the name', () => {
    const avatar = 'a'.repeat(64);
    const people = { [ann]: { name: '李梅', title: 'Host', avatar } };
    const tiles = arranged(compositionOf(2, { people }, 1));
    expect(tiles).toMatchObject([
      { key: `${ann}.screen`, name: '李梅', title: '' },
      { key: ann, name: '李梅', title: 'Host', avatar },
      { key: bob, name: 'Person 2', title: '', avatar: null },
    ]);
  });

  test('hidden: gone with all; a hidden camera: a placeholder', () => {
    expect(keys(compositionOf(3, { people: { [bob]: { hidden: true } } }))).toEqual([ann, cy]);
    const tiles = arranged(compositionOf(2, { sources: { [`${bob}.camera`]: { hidden: true } } }));
    expect(tiles.map((t) => t.source)).toEqual([`${ann}.camera`, null]);
  });
});

describe('marks', () => {
  const muted = (composition: ReturnType<typeof compositionOf>) => arranged(composition).map((t) => t.muted);

  test('muted: no microphone, a paused one, muted by the scene', () => {
    const room = compositionOf(4);
    const sources = room.sources.flatMap((s) => {
      if (s.id === `${ann}.microphone`) return [];
      return [s.id === `${bob}.microphone` ? { ...s, paused: true } : s];
    });
    const scene = sceneOf({ sources: { [`${cy}.microphone`]: { muted: true } } });
    expect(muted({ ...room, scene, sources })).toEqual([true, true, true, false]);
  });

  test('muted: whoever is silent because another is solo; a solo of somebody who is gone silences nobody', () => {
    const solo = (peer: string) => ({ sources: { [`${peer}.microphone`]: { solo: true } } });
    expect(muted(compositionOf(3, solo(bob)))).toEqual([true, false, true]);
    expect(muted(compositionOf(3, solo('pzzzzzzzz1')))).toEqual([false, false, false]);
    const both = { sources: { [`${bob}.microphone`]: { solo: true, muted: true } } };
    expect(muted(compositionOf(3, both))).toEqual([true, true, true]);
  });

  test('a screen is never muted and never speaks', () => {
    const room = compositionOf(1, {}, 1);
    const silent = { ...room, sources: room.sources.filter((s) => s.kind !== 'microphone') };
    expect(muted(silent)).toEqual([false, true]);
    expect(arranged({ ...room, speaking: [ann] }).map((t) => t.speaking)).toEqual([false, true]);
  });

  test('speaking: who is heard', () => {
    const room = compositionOf(3, { sources: { [`${cy}.microphone`]: { muted: true } } });
    expect(arranged({ ...room, speaking: [bob, cy] }).map((t) => t.speaking)).toEqual([false, true, false]);
    expect(arranged(room).map((t) => t.speaking)).toEqual([false, false, false]);
  });

  test('heardSources: also the sound of screens, never a picture', () => {
    const room = compositionOf(1);
    const sources = [...room.sources, source(0, 'screen-audio')];
    expect([...heardSources({ ...room, sources })]).toEqual([`${ann}.microphone`, `${ann}.screen-audio`]);
  });
});
