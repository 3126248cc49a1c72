import { beforeEach, describe, expect, test } from 'vitest';
import { ActiveSpeaker } from '../../../src/broadcast/ActiveSpeaker.ts';

const LOOK_MS = 300;
const ANN = 'pann00000';
const BOB = 'pbob00000';
const EVE = 'peve00000';

let choice: ActiveSpeaker;
let now: number;

beforeEach(() => {
  choice = new ActiveSpeaker();
  now = 10_000;
  choice.allow(new Set([ANN, BOB, EVE]), now);
});

/** The room is listened to for so long; who speaks, in dBov. */
function listen(ms: number, levels: Record<string, number>): void {
  for (const until = now + ms; now < until; ) {
    now += LOOK_MS;
    choice.hear(
      Object.entries(levels).map(([peer, dbov]) => ({ peer, dbov })),
      now,
    );
  }
}

describe('active', () => {
  test('nobody has spoken: nobody; a short word is not enough; 600 ms of speaking are', () => {
    expect(choice.active).toBeNull();
    listen(300, { [ANN]: -30 });
    expect(choice.active).toBeNull();
    listen(300, { [ANN]: -30 });
    expect(choice.active).toBe(ANN);
  });

  test('is kept during silence, however long', () => {
    listen(600, { [ANN]: -30 });
    now += 60_000;
    choice.hear([], now);
    expect(choice.active).toBe(ANN);
  });

  test('another takes over after 600 ms while the present one is silent, but not before 2 s', () => {
    listen(600, { [ANN]: -30 });
    const since = now;
    listen(1_500, { [BOB]: -30 });
    expect(choice.active).toBe(ANN);
    listen(600, { [BOB]: -30 });
    expect(choice.active).toBe(BOB);
    expect(now - since).toBeLessThanOrEqual(2_100);
  });

  test('one who interrupts takes over only when clearly louder', () => {
    listen(3_000, { [ANN]: -30 });
    listen(3_000, { [ANN]: -30, [BOB]: -27 });
    expect(choice.active).toBe(ANN);
    listen(600, { [ANN]: -34, [BOB]: -22 });
    expect(choice.active).toBe(BOB);
  });

  test('words of agreement while the other pauses do not add up', () => {
    listen(3_000, { [ANN]: -30 });
    for (let i = 0; i < 10; i++) {
      listen(300, { [BOB]: -30 });
      listen(900, { [ANN]: -30 });
    }
    expect(choice.active).toBe(ANN);
  });

  test('who spoke along for long has to lead for 600 ms as well', () => {
    listen(3_000, { [ANN]: -30, [BOB]: -31 });
    expect(choice.active).toBe(ANN);
    listen(300, { [BOB]: -31 });
    expect(choice.active).toBe(ANN);
    listen(300, { [BOB]: -31 });
    expect(choice.active).toBe(BOB);
  });

  test('of two new speakers the louder one', () => {
    listen(3_000, { [ANN]: -30 });
    listen(600, { [BOB]: -40, [EVE]: -25 });
    expect(choice.active).toBe(EVE);
  });

  test('one who leaves or is muted is replaced at once: by the loudest who speaks, or by nobody', () => {
    listen(600, { [ANN]: -30, [BOB]: -45, [EVE]: -40 });
    choice.allow(new Set([BOB, EVE]), now);
    expect(choice.active).toBe(EVE);
    now += 1_000;
    choice.allow(new Set([BOB]), now);
    expect(choice.active).toBeNull();
    listen(600, { [EVE]: -20 });
    expect(choice.active).toBeNull();
    listen(600, { [BOB]: -40 });
    expect(choice.active).toBe(BOB);
  });

  test('never changes more than once in 2 s while everybody stays', () => {
    let last = now;
    let before = choice.active;
    for (let i = 0; i < 400; i++) {
      const loud = [ANN, BOB, EVE][(i * 7 + (i >> 2)) % 3] ?? ANN;
      listen(300, { [loud]: -20, [ANN]: -28 - (i % 5), [BOB]: -30 + (i % 7) });
      if (choice.active === before) continue;
      if (before !== null) expect(now - last).toBeGreaterThanOrEqual(2_000);
      [last, before] = [now, choice.active];
    }
  });
});

describe('speaking', () => {
  test('everybody who speaks, in a fixed order, until 500 ms after the last word', () => {
    listen(300, { [BOB]: -30, [ANN]: -40 });
    expect(choice.speaking(now)).toEqual([ANN, BOB]);
    const end = choice.nextSilenceMs(now);
    expect(end - now).toBe(500);
    expect(choice.speaking(end - 1)).toEqual([ANN, BOB]);
    expect(choice.speaking(end)).toEqual([]);
    expect(choice.nextSilenceMs(end)).toBe(Number.POSITIVE_INFINITY);
  });

  test('a level of somebody who may not be chosen counts for nothing', () => {
    choice.allow(new Set([ANN]), now);
    listen(900, { [BOB]: -10 });
    expect(choice.speaking(now)).toEqual([]);
    expect(choice.active).toBeNull();
  });
});
