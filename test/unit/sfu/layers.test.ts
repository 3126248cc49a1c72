import { describe, expect, test } from 'vitest';
import { layerFor, layerScales } from '../../../src/sfu/layers.ts';

const three = [{ ssrc: 1 }, { ssrc: 2 }, { ssrc: 3 }];

describe('the layer that fits a place on the page', () => {
  test.each([
    [{ width: 160, height: 90 }, 0],
    [{ width: 320, height: 180 }, 0],
    [{ width: 400, height: 225 }, 0],
    [{ width: 410, height: 231 }, 1],
    [{ width: 640, height: 360 }, 1],
    [{ width: 900, height: 500 }, 2],
    [{ width: 4000, height: 2250 }, 2],
  ])('%o is layer %i of 180, 360, 720 lines', (shown, layer) => {
    expect(layerFor(shown, three)).toBe(layer);
  });

  test('cover: a tall place needs the lines, a wide one the columns', () => {
    expect(layerFor({ width: 180, height: 360 }, three)).toBe(1);
    expect(layerFor({ width: 640, height: 100 }, three)).toBe(1);
  });

  test.each([
    [[{ scalabilityMode: 'L3T3_KEY' }], [4, 2, 1]],
    [[{ scalabilityMode: 'L2T1' }], [2, 1]],
    [[{ scalabilityMode: 'L3T1h' }], [2.25, 1.5, 1]],
    [[{ scalabilityMode: 'L1T3' }], [1]],
    [[{}], [1]],
    [
      [{ scalabilityMode: 'L1T1' }, { scalabilityMode: 'L1T1' }],
      [2, 1],
    ],
  ])('the layers of %o, inside one encoding or not, are %o times smaller', (encodings, scales) => {
    expect(layerScales(encodings)).toEqual(scales);
  });

  test('a layer of SVC is chosen as one of simulcast is', () => {
    const svc = [{ scalabilityMode: 'L3T3_KEY' }];
    expect([180, 360, 720].map((height) => layerFor({ width: 0, height }, svc))).toEqual([0, 1, 2]);
  });

  test('the source’s own size and scales are used when they are known', () => {
    expect(layerFor({ width: 640, height: 360 }, three, { width: 2560, height: 1440 })).toBe(0);
    const halves = [{ scaleResolutionDownBy: 2 }, { scaleResolutionDownBy: 1 }];
    expect(layerFor({ width: 320, height: 180 }, halves)).toBe(0);
    expect(layerFor({ width: 1280, height: 720 }, halves)).toBe(1);
  });
});
