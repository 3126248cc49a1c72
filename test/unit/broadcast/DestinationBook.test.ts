import { describe, expect, test } from 'vitest';
import { DestinationBook, type DestinationEvent } from '../../../src/broadcast/DestinationBook.ts';
import { type Destination, newDestination } from '../../../src/broadcast/destinations.ts';
import { KeyClaims } from '../../../src/broadcast/KeyClaims.ts';
import type { DestinationState, DestinationStatus } from '../../../src/contracts/deliveryControl.ts';

function book(keys = new KeyClaims()) {
  const events: DestinationEvent[] = [];
  const shown = new Map<string, DestinationStatus>();
  const board = {
    destination: (status: DestinationStatus) => void shown.set(status.id, status),
    removeDestination: (id: string) => void shown.delete(id),
  };
  const made = new DestinationBook({
    ...{ room: 'demo', broadcast: 'baaaaaaaaa', board, keys },
    onDestination: (event) => events.push(event),
  });
  const states = () => events.map(({ status }) => status.state);
  return { book: made, events, shown, states };
}
const make = (key: string, name = 'cdn'): Promise<Destination> =>
  newDestination({ name, url: 'rtmp://cdn.example/app', key, reconnectSeconds: null }, async (url) => url);
const at = ({ status }: Destination, state: DestinationState): DestinationStatus => ({ ...status, state });

describe('one connection a stream key', () => {
  test('twice in one broadcast is refused with a sentence that names the other', async () => {
    const { book: one } = book();
    one.add(await make('k', 'YouTube'));
    expect(() => one.add({ ...one.all[0] } as Destination)).toThrow("destination 'YouTube' of this broadcast");
    expect(one.all).toHaveLength(1);
  });

  test('two broadcasts: refused, without a word on whose it is; free when it was removed, has failed or is over', async () => {
    const keys = new KeyClaims();
    const { book: one } = book(keys);
    const { book: two } = book(keys);
    const first = await make('k');
    one.add(first);
    const second = await make('k');
    expect(() => two.add(second)).toThrow('another broadcast of this server');
    one.remove(first.status.id, true);
    two.add(second);
    const third = await make('k');
    expect(() => one.add(third)).toThrow('in use');
    two.report(at(second, 'failed'));
    one.add(third);
    one.close();
    two.add(await make('k'));
  });

  test('what came too late of one that gave it up takes nothing from the next', async () => {
    const keys = new KeyClaims();
    const { book: one } = book(keys);
    const first = await make('k');
    one.add(first);
    one.report(at(first, 'failed'));
    const { book: two } = book(keys);
    two.add(await make('k'));
    one.close();
    await expect(make('k').then((d) => two.add(d))).rejects.toThrow('in use');
  });

  test('all or none', async () => {
    const keys = new KeyClaims();
    const { book: one } = book(keys);
    const { book: two } = book(keys);
    two.add(await make('taken'));
    const wanted = [await make('free'), await make('taken')];
    expect(() => one.addAll(wanted)).toThrow('in use');
    two.add(await make('free'));
  });
});

test('16 of them, and no more', async () => {
  const { book: one } = book();
  for (let i = 0; i < 16; i++) one.add(await make(`k${i}`));
  const next = await make('k16');
  expect(() => one.add(next)).toThrow('at most 16');
});

describe('events', () => {
  test('one for each change of state', async () => {
    const { book: one, events, states, shown } = book();
    const destination = await make('k');
    one.add(destination);
    one.report({ ...at(destination, 'live'), bytes: 1 });
    one.report({ ...destination.status, bytes: 2 });
    one.report({ ...at(destination, 'reconnecting'), reason: 'the server did not answer' });
    one.report({ ...destination.status, reason: 'the server refused the connection' });
    one.report(at(destination, 'failed'));
    expect(states()).toEqual(['live', 'reconnecting', 'failed']);
    expect(events[1]).toMatchObject({
      room: 'demo',
      broadcast: 'baaaaaaaaa',
      status: { reason: 'the server did not answer' },
    });
    expect(shown.get(destination.status.id)?.state).toBe('failed');
  });

  test('removed: stopped when delivery says that it is gone, once', async () => {
    const { book: one, states, shown } = book();
    const destination = await make('k');
    one.add(destination);
    one.remove(destination.status.id, true);
    expect(shown.size).toBe(0);
    one.report(at(destination, 'live'));
    expect(states()).toEqual([]);
    one.report(at(destination, 'stopped'));
    one.report(at(destination, 'stopped'));
    one.close();
    expect(states()).toEqual(['stopped']);
    expect(() => one.remove(destination.status.id, true)).toThrow('no such destination');
  });

  test('the end of a broadcast stops what delivery has not told of', async () => {
    const { book: one, states, shown } = book();
    const [told, untold] = [await make('a'), await make('b')];
    one.addAll([told, untold]);
    one.report(at(told, 'stopped'));
    one.close();
    one.close();
    expect(states()).toEqual(['stopped', 'stopped']);
    expect(shown.get(untold.status.id)?.state).toBe('stopped');
  });
});

test('what another delivery node had counted is counted still, and the move is no change of state', async () => {
  const { book: one, events, shown } = book();
  const first = await make('k');
  const { id } = first.status;
  one.add(first);
  one.report({ ...at(first, 'live'), connects: 1, bytes: 500, droppedGops: 2 });
  one.moved();
  one.report({ ...at(first, 'live'), connects: 1, bytes: 30, droppedGops: 0 });
  expect(shown.get(id)).toMatchObject({ connects: 2, bytes: 530, droppedGops: 2 });
  one.moved();
  one.report({ ...at(first, 'live'), connects: 1, bytes: 1, droppedGops: 0 });
  expect(shown.get(id)).toMatchObject({ connects: 3, bytes: 531 });
  expect(events.map(({ status }) => status.state)).toEqual(['live']);
});
