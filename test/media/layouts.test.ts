/**
 * Golden pictures: every layout, and what else a scene can do, as docs/layouts.md shows it. After a change that is meant, run
 * `npm run layouts` and look at each picture that has changed.
 */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LayoutCase, layoutCases } from '../../scripts/layouts/cases.ts';
import { EXTRA_ASSETS, extraShots } from '../../scripts/layouts/extras.ts';
import { decodePicture, type SmallPicture, Studio } from '../../scripts/layouts/render.ts';
import { Scene, type SceneInput } from '../../src/contracts/scene.ts';
import { compare, type Difference } from '../support/compose/comparePictures.ts';

/**
 * Measured: WebP itself makes a block differ by up to 13.4, and all of a picture by 1.7 in the mean; one label that is not there makes 104 and
 * more in its block, a tile that is 4 program pixels off 48, another background 42.
 */
const MAX_OF_BLOCK = 22;
const MAX_MEAN = 2.5;
const isSame = ({ mean, max }: Difference): boolean => mean <= MAX_MEAN && max <= MAX_OF_BLOCK;

const PICTURES = new URL('../../docs/layouts/', import.meta.url);
const golden = (name: string): Promise<SmallPicture> => decodePicture(readFileSync(new URL(`${name}.webp`, PICTURES)));

const shots = [...layoutCases(), ...extraShots()];
let studio: Studio;
beforeAll(() => {
  studio = new Studio(EXTRA_ASSETS);
});
afterAll(() => studio.close());

test('there is a picture of each, and no other', async () => {
  expect((await readdir(PICTURES)).sort()).toEqual(shots.map(({ name }) => `${name}.webp`).sort());
});

describe('the program is as its golden picture', () => {
  test.each(shots)('$name', async (shot) => {
    const difference = compare(await studio.take(shot), await golden(shot.name));
    expect(difference, 'npm run layouts, then look at the picture').toSatisfy(isSame);
  });
});

describe('a golden picture does not pass for', () => {
  const named = (name: string): LayoutCase => {
    const found = layoutCases().find((shot) => shot.name === name);
    if (!found) throw new Error(`no case ${name}`);
    return found;
  };
  const withScene = (shot: LayoutCase, scene: SceneInput): LayoutCase => ({
    ...shot,
    composition: {
      ...shot.composition,
      scene: Scene.parse({ ...shot.composition.scene, ...scene }),
    },
  });
  const differences = async (shot: LayoutCase, changed: LayoutCase): Promise<Difference> =>
    compare(await studio.take(changed), await golden(shot.name));

  test('a tile that is 4 pixels off', async () => {
    const shot = named('custom-3-landscape');
    const { layout } = shot.composition.scene;
    if (layout.type !== 'custom') throw new Error('not custom');
    const tiles = layout.tiles.map((tile) => (tile.show === 1 ? { ...tile, x: tile.x + 4 / 1280 } : tile));
    const changed = withScene(shot, { layout: { type: 'custom', tiles } });
    expect(await differences(shot, changed)).not.toSatisfy(isSame);
  });

  test.each(['grid-16-landscape', 'sidebar-16-landscape', 'speaker-16-portrait'])(
    '%s with one label that is not there',
    async (name) => {
      const shot = named(name);
      const peers = shot.composition.peers.map((peer, i) => (i === 8 ? { ...peer, name: '' } : peer));
      // Whoever has no name has no label; initials are only in placeholders, and the camera of this one is made to be on.
      const sources = shot.composition.sources.map((source) => ({ ...source, paused: false }));
      const both = { ...shot, composition: { ...shot.composition, sources } };
      const without = { ...shot, composition: { ...shot.composition, sources, peers } };
      expect(compare(await studio.take(without), await studio.take(both))).not.toSatisfy(isSame);
    },
  );

  test.each<[string, SceneInput]>([
    ['names that are not there', { names: false }],
    ['muted marks that are not there', { marks: { muted: false } }],
    ['a speaking mark that is not there', { marks: { speaking: false } }],
    ['another background', { background: '#2c3040' }],
    ['a gap', { tiles: { gap: 0.006 } }],
    ['another order', { order: ['pcase0004'] }],
  ])('%s', async (_, scene) => {
    for (const name of ['speaker-16-landscape', 'sidebar-16-portrait', 'grid-5-landscape']) {
      if (name === 'sidebar-16-portrait' && scene.background) continue;
      const shot = named(name);
      expect(await differences(shot, withScene(shot, scene)), name).not.toSatisfy(isSame);
    }
  });

  test('a picture of another size', async () => {
    const [landscape, portrait] = [await golden('grid-1-landscape'), await golden('grid-1-portrait')];
    expect(compare(landscape, portrait)).not.toSatisfy(isSame);
  });
});
