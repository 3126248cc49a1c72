import { expect, test } from 'vitest';
import { Beacon } from '../../../src/contracts/beacon.ts';
import { Watching } from '../../../src/delivery/viewers/Watching.ts';

const beacon = (session: string, change: Partial<Beacon> = {}): Beacon =>
  Beacon.parse({
    ...{ session: `session-${session}`, watchedMs: 30_000, stalls: 0, stalledMs: 0, latencyMs: 2_000 },
    ...{ firstFrameMs: null, ...change },
  });

function setUp() {
  const time = { now: 0 };
  return { time, watching: new Watching({ now: () => time.now }) };
}

test('half of the viewers are less far behind; one who went back an hour does not change it', () => {
  const { watching } = setUp();
  expect(watching.figures('b1')).toEqual({ latencyMs: null, stalledPercent: null });
  for (const [i, latencyMs] of [2_100, 1_900, 2_300, 3_600_000, null].entries())
    watching.heard('b1', beacon(String(i), { latencyMs }));
  expect(watching.figures('b1').latencyMs).toBe(2_100);
  expect(watching.figures('b2').latencyMs).toBeNull();
});

test('what stood still is a share of the time of all', () => {
  const { watching } = setUp();
  watching.heard('b1', beacon('a', { watchedMs: 10_000, stalledMs: 1_000 }));
  watching.heard('b1', beacon('b', { watchedMs: 30_000, stalledMs: 0 }));
  expect(watching.figures('b1').stalledPercent).toBe(2.5);
});

test('who leaves, is silent for long, or is forgotten counts no more', () => {
  const { time, watching } = setUp();
  watching.heard('b1', beacon('a', { latencyMs: 9_000 }));
  watching.heard('b1', beacon('b', { latencyMs: 9_000 }));
  watching.heard('b1', beacon('a', { leaving: true }));
  expect(watching.figures('b1').latencyMs).toBe(9_000);
  time.now = 66_001;
  expect(watching.figures('b1')).toEqual({ latencyMs: null, stalledPercent: null });
  watching.heard('b1', beacon('b'));
  watching.prune();
  expect(watching.figures('b1').latencyMs).toBe(2_000);
  watching.forget('b1');
  expect(watching.figures('b1').latencyMs).toBeNull();
});

test('other nodes’ viewers count by how many they are, as long as their node says so', () => {
  const { time, watching } = setUp();
  const edge = setUp().watching;
  expect(edge.report('b1')).toBeUndefined();
  for (const name of ['a', 'b', 'c']) edge.heard('b1', beacon(name, { latencyMs: 8_000, stalledMs: 3_000 }));
  watching.heard('b1', beacon('own', { latencyMs: 2_000 }));
  watching.elsewhere('b1', `edge-1;${edge.report('b1')}`);
  expect(watching.figures('b1')).toEqual({ latencyMs: 8_000, stalledPercent: 7.5 });
  for (const text of ['', 'edge-2', 'edge-2;1;2', 'edge-2;-1;2;3', 'edge 2;1;2;3']) watching.elsewhere('b1', text);
  expect(watching.figures('b1').latencyMs).toBe(8_000);
  time.now = 10_001;
  expect(watching.figures('b1')).toEqual({ latencyMs: 2_000, stalledPercent: 0 });
});
