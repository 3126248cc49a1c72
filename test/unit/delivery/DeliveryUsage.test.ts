import { describe, expect, test } from 'vitest';
import { TypedEmitter } from '../../../src/common/TypedEmitter.ts';
import type { DestinationStatus } from '../../../src/contracts/deliveryControl.ts';
import { meterDelivery } from '../../../src/delivery/DeliveryUsage.ts';
import { ViewerBytes } from '../../../src/delivery/ViewerBytes.ts';
import { UsageMeter } from '../../../src/usage/UsageMeter.ts';
import { GRID, RENDITIONS } from '../../support/programParts.ts';

const ID = 'b00000000001';

/** What a DeliveryBroadcast shows of itself. */
function rig() {
  const destinations: { id: string; status: DestinationStatus }[] = [];
  const store = new TypedEmitter<{ visible: [segment: number, part: number, slate: boolean] }>();
  const broadcast = Object.assign(new TypedEmitter<{ report: [report: { type: string }]; ended: [] }>(), {
    ...{ id: ID, room: 'demo', tenant: 'acme', epoch: 7.2, grid: GRID, renditions: RENDITIONS },
    ...{ destinations, store },
  });
  const meter = new UsageMeter(() => 0);
  meterDelivery(broadcast as unknown as Parameters<typeof meterDelivery>[0], meter);
  const values = (kind: string) => {
    meter.look();
    return (meter.report(1)?.readings ?? []).filter((r) => r.kind === kind).map((r) => [r.subject, r.at, r.value]);
  };
  const destination = (bytes: number) => {
    const one = { id: 'd1', status: { target: 'rtmp://example.com/live', bytes } as DestinationStatus };
    destinations.splice(0, 1, one);
    return one;
  };
  return { broadcast, store, meter, values, destination, destinations };
}

describe('of a broadcast', () => {
  test('parts that can be seen are output of each rendition; slate is none', () => {
    const { store, values, meter } = rig();
    for (const [segment, part, slate] of [
      [0, 0, false],
      [0, 1, false],
      [0, 2, true],
      [0, 3, false],
    ] as const)
      store.emit('visible', segment, part, slate);
    const each = RENDITIONS.flatMap(({ id }) => [
      [id, 0, 667],
      [id, 1_000, 1_333],
    ]);
    expect(values('output').sort()).toEqual(each.sort());
    expect(meter.report(1)?.broadcasts).toEqual([{ id: ID, room: 'demo', tenant: 'acme', epoch: 7 }]);
  });

  test('a destination’s bytes are those of all its lives, to its last report', () => {
    const { broadcast, values, destination, destinations, meter } = rig();
    destination(10);
    expect(values('egress')).toEqual([['d1', 0, 10]]);
    // Taken away, and added again.
    const second = destination(4);
    expect(values('egress')).toEqual([
      ['d1', 0, 10],
      ['d1', 0, 4],
    ]);
    second.status.bytes = 9;
    broadcast.emit('report', { type: 'destination' });
    destinations.pop();
    broadcast.emit('ended');
    expect(values('egress').map(([, , bytes]) => bytes)).toEqual([10, 9]);
    expect(meter.report(1)?.targets).toEqual({ d1: 'rtmp://example.com/live' });
  });
});

test('viewers’ bytes are summed up for each broadcast', () => {
  const meter = new UsageMeter(() => 0);
  const bytes = new ViewerBytes(meter);
  bytes.add({ id: ID, room: 'demo' }, 10);
  bytes.add({ id: 'b00000000002', room: 'other' }, 5);
  bytes.add({ id: ID, room: 'demo' }, 1);
  meter.look();
  expect(meter.report(1)?.readings.map(({ broadcast, value }) => [broadcast, value])).toEqual([
    [ID, 11],
    ['b00000000002', 5],
  ]);
});
