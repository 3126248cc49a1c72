import { describe, expect, test } from 'vitest';
import { ClockFollower } from '../../../src/common/clock.ts';

describe('ClockFollower', () => {
  test('the first exchange sets the offset at once', () => {
    let local = 1000;
    const follower = new ClockFollower({ now: () => local });
    follower.add({ t0: 990, t1: 5995, t2: 5995, t3: 1000 });
    expect(follower.now()).toBeCloseTo(6000, 6);
    expect(follower.errorMs).toBeCloseTo(5, 6);
    local += 10;
    expect(follower.now()).toBeCloseTo(6010, 6);
  });

  test('the exchange with the shortest way wins, and the offset is slewed by at most 500 ppm', () => {
    let local = 0;
    const follower = new ClockFollower({ now: () => local });
    follower.add({ t0: -40, t1: 80, t2: 80, t3: 0 }); // 20 ms wrong, on a 40 ms way
    expect(follower.now()).toBeCloseTo(100, 6);
    follower.add({ t0: 0, t1: 80, t2: 80, t3: 0 });
    expect(follower.now()).toBeCloseTo(100, 6);
    local = 1000;
    expect(follower.now()).toBeCloseTo(1099.5, 6);
    local = 100_000;
    expect(follower.now()).toBeCloseTo(100_080, 6);
  });

  test('never goes back while it slews', () => {
    let local = 0;
    const follower = new ClockFollower({ now: () => local });
    follower.add({ t0: 0, t1: 50, t2: 50, t3: 0 });
    let last = follower.now();
    follower.add({ t0: 0, t1: 0, t2: 0, t3: 0 });
    for (local = 1; local < 500; local++) {
      const now = follower.now();
      expect(now).toBeGreaterThan(last);
      last = now;
    }
  });
});
