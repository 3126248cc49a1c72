import { describe, expect, test } from 'vitest';
import { DESK_TEXTS } from '../../../client/shared/deskTexts.ts';
import { decibelsOf, fallTo, meterOf } from '../../../client/studio/media/level.ts';
import { PeakHold } from '../../../client/studio/media/PeakHold.ts';
import { nearestPlace } from '../../../client/studio/room/drag/nearestPlace.ts';
import { printed, SHORTCUTS, shortcutOf } from '../../../client/studio/room/keys/shortcuts.ts';
import {
  inOrder,
  moved,
  personIn,
  pinOf,
  withPersonName,
  withPinToggled,
  withPlace,
} from '../../../client/studio/room/scene/edits.ts';
import { isSame, lowerThirdsOf } from '../../../client/studio/room/scene/lowerThirds.ts';
import { fitInto } from '../../../client/studio/room/scene/paintPreview.ts';
import { isSameLayout, PRESETS } from '../../../client/studio/room/scene/presets.ts';
import { CHOICES, preview } from '../../../client/studio/room/scene/previews.ts';
import { changeBetween, differing, SceneHistory } from '../../../client/studio/session/SceneHistory.ts';
import { Layout, Scene } from '../../../src/contracts/scene.ts';
import type { PeerInfo } from '../../../src/contracts/signaling.ts';
import { arrange } from '../../../src/layout/tiles.ts';

const plain = Scene.parse({});
const [ANN, BOB, EVE] = ['pann00000', 'pbob00000', 'peve00000'];
const people = [{ id: ANN }, { id: BOB }, { id: EVE }];

describe('drag to order', () => {
  test('one goes to another place, the others keep their order', () => {
    expect(moved(['a', 'b', 'c', 'd'], 'a', 2)).toEqual(['b', 'c', 'a', 'd']);
    expect(moved(['a', 'b', 'c', 'd'], 'd', 0)).toEqual(['d', 'a', 'b', 'c']);
    expect(moved(['a', 'b'], 'x', 0)).toEqual(['a', 'b']);
  });

  test('the scene has the order; a place that is none, or the same, changes nothing', () => {
    const scene = withPlace(plain, people, EVE, 0);
    expect(inOrder(scene, people).map(({ id }) => id)).toEqual([EVE, ANN, BOB]);
    expect(Scene.parse(scene)).toEqual(scene);
    expect(withPlace(scene, people, EVE, 0)).toBe(scene);
    expect(withPlace(scene, people, EVE, 3)).toBe(scene);
    expect(withPlace(scene, people, 'pgone0000', 1)).toBe(scene);
  });

  test('the place under the hand is the one that it is in, or the nearest', () => {
    const cells = [
      { x: 0, y: 0, width: 100, height: 50 },
      { x: 100, y: 0, width: 100, height: 50 },
      { x: 50, y: 50, width: 100, height: 50 },
    ];
    expect(nearestPlace(cells, 150, 20)).toBe(1);
    expect(nearestPlace(cells, 60, 95)).toBe(2);
    expect(nearestPlace(cells, -500, 10)).toBe(0);
    expect(nearestPlace([], 0, 0)).toBe(-1);
  });

  test('a click pins a person or a screen, another lets go', () => {
    const pinned = withPinToggled(plain, pinOf(BOB, 'screen'));
    expect(pinned.pin).toBe(`${BOB}.screen`);
    expect(withPinToggled(pinned, `${BOB}.screen`).pin).toBeNull();
    expect(withPinToggled(pinned, pinOf(BOB, 'camera')).pin).toBe(BOB);
  });
});

test('a name of the scene: set, and with an empty one the person’s own again', () => {
  const named = withPersonName(plain, ANN, 'Ada', 'Guest');
  expect(personIn(named, ANN)).toMatchObject({ name: 'Ada', title: 'Guest' });
  expect(Scene.parse(named)).toEqual(named);
  expect(withPersonName(named, ANN, '', '').people).toEqual({});
});

describe('undo', () => {
  const step = (history: SceneHistory, before: Scene, after: Scene): Scene => {
    history.record(before, after);
    return after;
  };

  test('takes back the last change and does it again; what another host did to other parts stays', () => {
    let now = 0;
    const history = new SceneHistory(() => now);
    const one = step(history, plain, { ...plain, names: false });
    now += 5_000;
    const two = step(history, one, withPlace(one, people, EVE, 0));
    const others: Scene = {
      ...two,
      background: '#ff0000',
      people: { [BOB]: { ...personIn(plain, BOB), hidden: true } },
    };
    const undone = history.undo()?.(others);
    expect(undone).toEqual({ ...others, order: [] });
    expect(history.canRedo.value).toBe(true);
    expect(history.redo()?.(undone ?? plain)).toEqual(others);
    history.undo();
    expect(history.undo()?.(others)).toMatchObject({ names: true, background: '#ff0000' });
    expect(history.undo()).toBeUndefined();
    expect(history.canUndo.value).toBe(false);
  });

  test('a slider that is dragged is one step, and none when it ends where it began', () => {
    let now = 0;
    const history = new SceneHistory(() => now);
    let scene = plain;
    const drag = (...gaps: number[]) => {
      for (const gap of gaps) {
        now += 100;
        scene = step(history, scene, { ...scene, tiles: { ...scene.tiles, gap } });
      }
    };
    drag(0.01, 0.02, 0.03);
    expect(history.undo()?.(scene).tiles.gap).toBe(0);
    expect(history.canUndo.value).toBe(false);
    scene = plain;
    drag(0.01, 0.02, 0);
    expect(history.canUndo.value).toBe(false);
  });

  test('pins and layouts that follow each other fast are one step each; a new change forgets what was undone', () => {
    const history = new SceneHistory(() => 0);
    let scene = plain;
    for (const pin of [BOB, null, ANN]) scene = step(history, scene, { ...scene, pin });
    for (const type of ['speaker', 'grid'] as const) scene = step(history, scene, { ...scene, layout: { type } });
    scene = history.undo()?.(scene) ?? plain;
    expect(scene).toMatchObject({ layout: { type: 'speaker' }, pin: ANN });
    history.undo();
    expect(history.undo()?.(scene).pin).toBeNull();
    expect(history.canRedo.value).toBe(true);
    step(history, scene, { ...scene, names: false });
    expect(history.canRedo.value).toBe(false);
  });

  test('entries of people and sources go back one by one', () => {
    const before = withPersonName(plain, ANN, 'Ada', '');
    const after = withPersonName(before, BOB, 'Bert', '');
    expect(differing(before, after)).toEqual([`people/${BOB}`]);
    const meanwhile = withPersonName(after, ANN, 'Anna', '');
    expect(changeBetween(after, before)(meanwhile).people).toEqual({ [ANN]: personIn(meanwhile, ANN) });
  });
});

describe('keys', () => {
  const press = (
    key: string,
    code = '',
    more: Partial<Record<'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey', true>> = {},
  ) => shortcutOf({ key, code, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });

  test('no two do the same, and each is explained in both languages', () => {
    const chords = SHORTCUTS.flatMap((s) => s.chords.map((chord) => printed(chord, false).join('+')));
    expect(new Set(chords).size).toBe(chords.length);
    for (const { id } of SHORTCUTS)
      for (const texts of Object.values(DESK_TEXTS)) expect(texts[`keys.${id}`].length).toBeGreaterThan(1);
  });

  test.each([
    ['m', 'KeyM', 'mute'],
    ['V', 'KeyV', 'camera'],
    ['s', 'KeyS', 'screen'],
    ['p', 'KeyP', 'panel'],
    ['w', 'KeyW', 'program'],
    ['c', 'KeyC', 'chat'],
    ['l', 'KeyL', 'lowerThird'],
    ['g', 'KeyG', 'live'],
    // What a Russian keyboard prints on M.
    ['ь', 'KeyM', 'mute'],
    // An input method that is composing Chinese.
    ['？', 'Slash', 'help'],
  ])('%s (%s) is %s', (key, code, id) => {
    expect(press(key, code)?.id).toBe(id);
  });

  test('digits choose layouts, with Shift they pin, whatever a French keyboard has there', () => {
    expect(press('&', 'Digit1')).toMatchObject({ id: 'layout', digit: 1 });
    expect(press('7', 'Digit7')).toMatchObject({ id: 'layout', digit: CHOICES.length });
    expect(press('8', 'Digit8')).toBeUndefined();
    expect(press('(', 'Digit9', { shiftKey: true })).toMatchObject({ id: 'pin', digit: 9 });
    expect(press('0', 'Digit0')).toBeUndefined();
  });

  test('a question mark with Shift or without; undo and redo with Ctrl or Command; nothing else with a modifier', () => {
    expect(press('?', 'Slash', { shiftKey: true })?.id).toBe('help');
    expect(press('?', 'KeyM')?.id).toBe('help');
    expect(press('z', 'KeyZ', { ctrlKey: true })).toMatchObject({ id: 'undo', withModifier: true });
    expect(press('Z', 'KeyZ', { metaKey: true, shiftKey: true })?.id).toBe('redo');
    expect(press('y', 'KeyY', { ctrlKey: true })?.id).toBe('redo');
    expect(press('c', 'KeyC', { ctrlKey: true })).toBeUndefined();
    expect(press('m', 'KeyM', { altKey: true })).toBeUndefined();
    expect(press('M', 'KeyM', { shiftKey: true })).toBeUndefined();
    expect(press('z', 'KeyZ')).toBeUndefined();
  });
});

describe('lower thirds that are kept', () => {
  test('what anybody may have written into the browser’s store is none, or is cut', () => {
    expect(lowerThirdsOf(undefined)).toEqual([]);
    expect(lowerThirdsOf('{')).toEqual([]);
    expect(lowerThirdsOf('{"title":"x"}')).toEqual([]);
    const kept = [null, 7, { title: ' ' }, { title: 'Ada', subtitle: 5 }, { title: 'x'.repeat(99) }, { title: 'Bo' }];
    const read = lowerThirdsOf(JSON.stringify(kept));
    expect(read.map(({ title }) => title.length)).toEqual([80, 2]);
    for (const lowerThird of read) expect(Scene.parse({ lowerThird }).lowerThird).toEqual(lowerThird);
    expect(lowerThirdsOf(JSON.stringify(Array.from({ length: 50 }, () => ({ title: 'x' }))))).toHaveLength(20);
  });

  test('two are the same by their words', () => {
    expect(isSame({ title: 'a', subtitle: '' }, { title: 'a', subtitle: '' })).toBe(true);
    expect(isSame({ title: 'a', subtitle: '' }, { title: 'a', subtitle: 'b' })).toBe(false);
    expect(isSame(null, { title: 'a', subtitle: '' })).toBe(false);
  });
});

describe('layouts beside those of the contract', () => {
  test.each(PRESETS)('$id is one that the server takes, and is found again in what it answers', ({ layout }) => {
    const answered = Layout.parse(layout);
    expect(isSameLayout(layout, answered)).toBe(true);
    expect(PRESETS.filter((other) => isSameLayout(other.layout, answered))).toHaveLength(1);
  });

  test.each(PRESETS)('$id shows the first people, each in the program', ({ layout }) => {
    const peers = people.map(
      ({ id }): PeerInfo => ({
        ...{ id, name: id, role: 'host', seated: true, asking: false, presence: 'here', sources: [] },
      }),
    );
    const tiles = arrange(preview(plain, layout, peers), 1280, 720);
    expect(tiles.length).toBeGreaterThanOrEqual(2);
    for (const { cell } of tiles) {
      expect(cell.x + cell.width).toBeLessThanOrEqual(1280);
      expect(cell.y + cell.height).toBeLessThanOrEqual(720);
    }
  });
});

describe('small pictures', () => {
  const cell = { x: 10, y: 20, width: 100, height: 100 };

  test('cover cuts off both sides and fills the cell', () => {
    expect(fitInto({ width: 320, height: 160 }, cell, 'cover')).toEqual({
      from: { x: 80, y: 0, width: 160, height: 160 },
      to: cell,
    });
  });

  test('contain shows all of it in the middle', () => {
    expect(fitInto({ width: 320, height: 160 }, cell, 'contain')).toEqual({
      from: { x: 0, y: 0, width: 320, height: 160 },
      to: { x: 10, y: 45, width: 100, height: 50 },
    });
  });
});

describe('meters', () => {
  test('decibels of samples, and their place on the scale', () => {
    expect(decibelsOf(new Float32Array(8))).toBe(-120);
    expect(decibelsOf([1, -1, 1, -1])).toBeCloseTo(0, 5);
    expect(decibelsOf([0.1, -0.1])).toBeCloseTo(-20, 5);
    expect([meterOf(-120), meterOf(-55), meterOf(-6), meterOf(3)]).toEqual([0, 0, 1, 1]);
    expect(meterOf(-20 + 6)).toBeGreaterThan(meterOf(-20));
  });

  test('up at once, down slowly', () => {
    expect(fallTo(0.9, 0.2, 16)).toBe(0.9);
    expect(fallTo(0, 0.9, 100)).toBeCloseTo(0.78, 5);
  });

  test('the peak stands for a moment and falls then', () => {
    const peak = new PeakHold();
    peak.next(0.8, 0);
    expect(peak.next(0.1, 1_000)).toBe(0.8);
    expect(peak.next(0.1, 1_500)).toBe(0.8);
    const falling = peak.next(0.1, 1_600);
    expect(falling).toBeLessThan(0.8);
    expect(peak.next(0.1, 5_000)).toBe(0.1);
    expect(peak.next(0.9, 5_100)).toBe(0.9);
  });
});
