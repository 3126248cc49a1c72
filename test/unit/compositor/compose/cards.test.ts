import { describe, expect, test } from 'vitest';
import { Canvas } from '../../../../compositor/compose/Canvas.ts';
import { drawPlaceholder, drawSlate, initialsOf } from '../../../../compositor/compose/cards.ts';
import { hueOf, yuvOfHex } from '../../../../compositor/compose/color.ts';

describe('initialsOf', () => {
  test.each([
    ['Ada Lovelace', 'AL'],
    ['zoë', 'Z'],
    ['  -x- y z ', 'XZ'],
    ['王小明', '王'],
    ['さくら', 'さ'],
    ['Привет Мир', 'ПМ'],
    ['Émile', 'É'],
    // Two letters of Arabic would join.
    ['محمد علي', 'م'],
    ['🙂', '🙂'],
    ['', '?'],
  ])('%s → %s', (name, initials) => expect(initialsOf(name)).toBe(initials));
});

describe('colour', () => {
  test('BT.601, limited range', () => {
    expect(yuvOfHex('#000000')).toEqual([16, 128, 128]);
    expect(yuvOfHex('#ffffff')).toEqual([235, 128, 128]);
    expect(yuvOfHex('#ff0000')).toEqual([81, 90, 240]);
  });

  test('a hue stays, and others differ', () => {
    expect(hueOf('pabcdefgh')).toBe(hueOf('pabcdefgh'));
    expect(new Set(Array.from({ length: 16 }, (_, i) => Math.round(hueOf(`p0000000${i}`) / 5))).size).toBeGreaterThan(
      12,
    );
  });
});

describe('cards', () => {
  /** Light samples: the letters. */
  const light = (plane: Buffer) => plane.reduce((sum, y) => sum + (y > 180 ? 1 : 0), 0);

  test.each(['Ada', '王小明', 'محمد', 'A'.repeat(64)])('a placeholder shows %s in any size of cell', (name) => {
    for (const [width, height] of [
      [640, 360],
      [212, 180],
      [160, 90],
      [2, 2],
    ] as const) {
      const card = drawPlaceholder('pabcdefgh', name, { width, height, free: height });
      expect([card.width, card.height]).toEqual([width, height]);
      if (width > 2) expect(light(card.planes[0])).toBeGreaterThan(60);
    }
  });

  test('in a low tile the disc is above the label', () => {
    const lowestLight = (free: number) => {
      const { planes, strides } = drawPlaceholder('pabcdefgh', 'A', { width: 160, height: 90, free });
      return Math.floor(planes[0].findLastIndex((y) => y > 180) / strides[0]);
    };
    expect(lowestLight(90)).toBeGreaterThan(48);
    expect(lowestLight(56)).toBeLessThan(44);
  });

  test('a slate has the line that was set, else its own', () => {
    const own = drawSlate('', '#12141a', 640, 360);
    const set = drawSlate('稍后回来', '#12141a', 640, 360);
    expect(light(own.planes[0])).toBeGreaterThan(300);
    expect(light(set.planes[0])).toBeGreaterThan(300);
    expect(own.planes[0].equals(set.planes[0])).toBe(false);
    expect(light(drawSlate('x'.repeat(120), '#12141a', 360, 640).planes[0])).toBeGreaterThan(300);
  });
});

describe('Canvas', () => {
  test('fills and copies exactly the cell', () => {
    const canvas = new Canvas(64, 32);
    canvas.fill({ x: 0, y: 0, width: 64, height: 32 }, [16, 128, 128]);
    canvas.fill({ x: 10, y: 4, width: 6, height: 2 }, [200, 90, 30]);
    const [luma, cb] = canvas.planesAt(0, 0);
    const row = (y: number) => [...luma.subarray(y * canvas.strides[0] + 9, y * canvas.strides[0] + 17)];
    expect(row(3)).toEqual(Array(8).fill(16));
    expect(row(5)).toEqual([16, 200, 200, 200, 200, 200, 200, 16]);
    expect([...cb.subarray(2 * canvas.strides[1] + 4, 2 * canvas.strides[1] + 9)]).toEqual([128, 90, 90, 90, 128]);
    canvas.close();
    canvas.close();
  });

  test('what an encoder holds is not drawn over', () => {
    const canvas = new Canvas(64, 32);
    canvas.fill({ x: 0, y: 0, width: 64, height: 32 }, [16, 128, 128]);
    const held = canvas.frame.clone();
    canvas.begin();
    canvas.fill({ x: 0, y: 0, width: 64, height: 32 }, [99, 128, 128]);
    expect(held?.data?.[0]?.[0]).toBe(16);
    expect(canvas.frame.data?.[0]?.[0]).toBe(99);
    held?.free();
    canvas.close();
  });
});
