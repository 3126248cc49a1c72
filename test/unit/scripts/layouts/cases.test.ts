/** The list behind docs/layouts.md: complete, and each of its arrangements is one that can be drawn. */
import { describe, expect, test } from 'vitest';
import { CASE_PEOPLE, CASE_SHAPES, layoutCases } from '../../../../scripts/layouts/cases.ts';
import { Layout, Scene } from '../../../../src/contracts/scene.ts';
import { subjectsOf } from '../../../../src/layout/subjects.ts';
import { arrange, effectiveLayout } from '../../../../src/layout/tiles.ts';

const cases = layoutCases();

describe('layoutCases', () => {
  test('every layout of the scene, every number of people, each shape; each once', () => {
    const types = Layout.options.map((option) => option.shape.type.value);
    const names = types.flatMap((type) =>
      Object.keys(CASE_SHAPES).flatMap((shape) => CASE_PEOPLE.map((people) => `${type}-${people}-${shape}`)),
    );
    expect(cases.map((c) => c.name).sort()).toEqual(names.sort());
  });

  test.each(cases)('$name: a valid scene, the layout of its name, tiles inside', (one) => {
    const { composition, width, height, layout, people } = one;
    expect(Scene.parse(composition.scene)).toEqual(composition.scene);
    expect(effectiveLayout(composition, subjectsOf(composition)).type).toBe(layout);
    const tiles = arrange(composition, width, height);
    const most: Partial<Record<typeof layout, number>> = { spotlight: 1, pip: 2, split: 2, custom: 3 };
    expect(tiles).toHaveLength(Math.min(people + (layout === 'screen' ? 1 : 0), most[layout] ?? 32));
    for (const { cell } of tiles) {
      expect(cell.x + cell.width).toBeLessThanOrEqual(width);
      expect(cell.y + cell.height).toBeLessThanOrEqual(height);
    }
  });

  test('placeholders, a muted microphone and a speaker are among them', () => {
    const tiles = cases.flatMap((c) => arrange(c.composition, c.width, c.height));
    expect(tiles.some((t) => t.source === null)).toBe(true);
    expect(tiles.some((t) => t.muted)).toBe(true);
    expect(tiles.some((t) => t.speaking)).toBe(true);
    expect(tiles.some((t) => t.title !== '')).toBe(true);
  });
});
