import { beforeEach, describe, expect, test } from 'vitest';
import { Grid, partSeconds } from '../../../src/contracts/grid.ts';
import { ProgramStore } from '../../../src/delivery/ProgramStore.ts';
import { Standby } from '../../../src/delivery/Standby.ts';
import { TakeLedger } from '../../../src/delivery/TakeLedger.ts';

const grid = Grid.parse({});
const PART_MS = partSeconds(grid) * 1000;
const [active, second] = ['caaaaaaaa', 'cbbbbbbbb'] as const;
const IDS = ['v720', 'a0'];
const ALL = [0, 1, 2, 3, 4, 5];

let store: ProgramStore;
let takes: TakeLedger;
let standby: Standby;
let seen: string[];

beforeEach(() => {
  store = new ProgramStore(grid, IDS);
  takes = new TakeLedger();
  standby = new Standby({ grid, renditions: IDS, store, takes });
  takes.add({ from: 0, compositor: active, fence: 1 });
  standby.add({ from: 1, compositor: second, fence: 2 });
  seen = [];
  store.on('visible', (segment, part) => seen.push(`${segment}.${part}`));
  store.on('replaced', (segment) => seen.push(`replaced ${segment}`));
  put(active, 0, ALL);
  seen = [];
});

/** As DeliveryBroadcast sorts them. */
function put(by: string, segment: number, parts: readonly number[], ids = IDS): void {
  for (const part of parts) {
    for (const id of ids) {
      const bytes = Buffer.from(`${by} ${id} ${segment}.${part}`);
      if (standby.standsBy(segment, by)) standby.put(id, segment, part, bytes, by);
      else store.put(id, segment, part, bytes, by);
    }
  }
}

/** Just after the end of the part on the grid and a part more, ms. */
const lateAt = (segment: number, part: number) => (segment * 6 + part + 2) * PART_MS + 0.5;
const whole = (segment: number) => store.segment('v720', segment)?.map(String);
const made = (by: string, segment: number) => ALL.map((part) => `${by} v720 ${segment}.${part}`);

describe('which compositor a segment is taken from', () => {
  test('from the one at work as long as it puts, in time or late by less than a part', () => {
    put(second, 1, ALL);
    expect(seen).toEqual([]);
    put(active, 1, [0, 1, 2]);
    expect(standby.fill(lateAt(1, 3) - 1)).toBe(false);
    put(active, 1, [3, 4, 5]);
    expect([whole(1), standby.stoodIn(1)]).toEqual([made(active, 1), false]);
    expect(seen).toEqual(ALL.map((part) => `1.${part}`));
  });

  test('nothing of a segment was seen and its first part is late: from the standby, part by part', () => {
    put(second, 1, [0, 1]);
    expect(standby.fill(lateAt(1, 0) - 1)).toBe(false);
    expect(standby.fill(lateAt(1, 0))).toBe(true);
    expect(seen).toEqual(['1.0', '1.1']);
    put(second, 1, [2, 3, 4, 5]);
    expect([whole(1), standby.stoodIn(1), store.isTorn(1)]).toEqual([made(second, 1), true, false]);
    expect(store.listed().at(-1)).toEqual({ number: 1, state: 'complete', parts: 6 });
  });

  test('what the one at work has of a segment then is refused: no segment has parts of two compositors', () => {
    put(second, 1, [0]);
    standby.fill(lateAt(1, 0));
    expect(() => put(active, 1, [1])).toThrow('another compositor began this segment');
  });

  test('some parts were listed and the next is late: from the standby when that is whole, and not before', () => {
    put(active, 1, [0, 1]);
    put(second, 1, [0, 1, 2, 3, 4]);
    expect(standby.fill(lateAt(1, 5))).toBe(false);
    put(second, 1, [5], ['v720']);
    expect(standby.fill(lateAt(1, 5))).toBe(false);
    put(second, 1, [5], ['a0']);
    expect(standby.fill(lateAt(1, 5))).toBe(true);
    expect(seen).toEqual(['1.0', '1.1', 'replaced 1', '1.2', '1.3', '1.4', '1.5']);
    expect(whole(1)).toEqual(made(second, 1));
  });

  test('of a segment that was replaced the listed parts stay what they were; it is listed whole, without parts', async () => {
    put(active, 1, [0, 1]);
    put(second, 1, ALL);
    standby.fill(lateAt(1, 2));
    expect(String(store.part('v720', 1, 1))).toBe(`${active} v720 1.1`);
    expect(await store.readPart('v720', 1, 2)).toBeNull();
    expect(String(await store.readSegment('v720', 1))).toBe(made(second, 1).join(''));
    expect(store.listed().at(-1)).toEqual({ number: 1, state: 'complete', parts: 6, torn: true });
  });

  test('the one at work comes back with the next segment', () => {
    put(second, 1, ALL);
    standby.fill(lateAt(1, 0));
    put(active, 2, [0]);
    put(second, 2, [0, 1]);
    expect([seen.at(-1), store.compositorOf(2)]).toEqual(['2.0', active]);
  });

  test('one that is not whole in time stands in for nothing', () => {
    put(active, 1, [0]);
    put(second, 1, [0, 1, 2, 4, 5]);
    expect(standby.fill(lateAt(3, 0))).toBe(false);
    expect(store.position).toBe(7);
  });

  test('before its own first segment it stands by for nothing', () => {
    expect(standby.ownerOf(0)).toBeUndefined();
    expect([standby.standsBy(0, second), standby.standsBy(1, second), standby.standsBy(1, active)]).toEqual([
      ...[false, true, false],
    ]);
  });
});

describe('the standby becomes the one at work', () => {
  test('its segments from there on are the program at once, and it stands in for nothing any more', () => {
    put(second, 1, ALL);
    put(second, 2, [0, 1]);
    takes.add({ from: 2, compositor: second, fence: 2 });
    standby.promote(second, 2);
    // What comes before is decided as ever.
    expect(seen).toEqual([]);
    standby.fill(lateAt(1, 0));
    expect(seen).toEqual([...ALL.map((part) => `1.${part}`), '2.0', '2.1']);
    expect([standby.stoodIn(1), standby.stoodIn(2), standby.standsBy(3, second)]).toEqual([true, false, false]);
  });

  test('of a segment that the one before has begun it still waits until its own is whole', () => {
    put(active, 1, [0]);
    put(second, 1, [0, 1]);
    takes.add({ from: 1, compositor: second, fence: 2 });
    standby.promote(second, 1);
    put(second, 1, [2, 3, 4]);
    expect(seen).toEqual(['1.0']);
    put(second, 1, [5]);
    standby.fill(lateAt(1, 1));
    expect(whole(1)).toEqual(made(second, 1));
  });

  test('a newer standby begins where it says; before that the older one is the one', () => {
    standby.add({ from: 4, compositor: 'ccccccccc', fence: 3 });
    expect([standby.ownerOf(3)?.compositor, standby.ownerOf(4)?.compositor]).toEqual([second, 'ccccccccc']);
    expect(standby.add({ from: 5, compositor: second, fence: 2 })).toBe(false);
  });
});
