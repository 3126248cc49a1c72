import { expect, test } from 'vitest';
import { Beacon } from '../../../src/contracts/beacon.ts';
import { Viewers } from '../../../src/delivery/Viewers.ts';
import { Beacons } from '../../../src/delivery/viewers/Beacons.ts';
import { createMetrics } from '../../../src/metrics.ts';

const report = { watchedMs: 30_000, stalls: 2, stalledMs: 300, latencyMs: 1_500, firstFrameMs: null };
const beacon = (session: string): Beacon => Beacon.parse({ session, ...report });
const from = { ip: '::1', agent: 'page' };

function setUp() {
  const time = { now: 0 };
  const clock = { now: () => time.now };
  const viewers = new Viewers(clock);
  viewers.seen('b1', { ip: '::1', headers: { 'user-agent': 'page' } });
  const { registry, delivery } = createMetrics();
  return { time, viewers, registry, beacons: new Beacons({ viewers, metrics: delivery.viewers, clock }) };
}

test('what pages say is in the metrics', async () => {
  const { beacons, registry } = setUp();
  beacons.take('b1', from, beacon('aaaaaaaa'));
  beacons.take('b1', from, { ...beacon('bbbbbbbb'), firstFrameMs: 900, latencyMs: null });
  expect(() => beacons.take('b2', from, beacon('aaaaaaaa'))).toThrow(expect.objectContaining({ code: 'not-found' }));
  const text = await registry.metrics();
  for (const line of [
    'lianmai_viewer_beacons_total{result="counted"} 2',
    'lianmai_viewer_beacons_total{result="refused"} 1',
    'lianmai_viewer_stalls_total 4',
    'lianmai_viewer_latency_seconds_sum 1.5',
    'lianmai_viewer_latency_seconds_count 1',
    'lianmai_viewer_first_frame_seconds_sum 0.9',
    'lianmai_viewer_stalled_ratio_bucket{le="0.01"} 2',
    'lianmai_viewer_stalled_ratio_bucket{le="0.005"} 0',
  ])
    expect(text).toContain(`${line}\n`);
});

test('an address that says too much is not listened to for a while, and others are', () => {
  const { time, viewers, beacons } = setUp();
  const said = Array.from({ length: 300 }, (_, i) => {
    try {
      beacons.take('b1', from, beacon(`page-${i}-here`));
      return 'counted';
    } catch (error) {
      return (error as { code?: string }).code;
    }
  });
  expect(said.filter((each) => each === 'counted')).toHaveLength(200);
  expect(said.at(-1)).toBe('too-many');
  viewers.seen('b1', { ip: '::2', headers: { 'user-agent': 'page' } });
  beacons.take('b1', { ...from, ip: '::2' }, beacon('elsewhere'));
  time.now = 1_000;
  beacons.take('b1', from, beacon('afterwards'));
});
