import { expect, test } from 'vitest';
import { DestinationBook } from '../../../src/broadcast/DestinationBook.ts';
import { KeyClaims } from '../../../src/broadcast/KeyClaims.ts';
import { StatusBoard } from '../../../src/broadcast/StatusBoard.ts';
import { Secret } from '../../../src/common/Secret.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import type { DestinationState } from '../../../src/contracts/deliveryControl.ts';
import { WEBHOOK_EVENTS, type WebhookData, type WebhookEventType } from '../../../src/contracts/webhooks.ts';
import { BroadcastEvents } from '../../../src/webhooks/BroadcastEvents.ts';

function setUp() {
  const told: {
    type: WebhookEventType;
    room: string;
    data: { broadcast?: object; destination?: { reason: string } };
  }[] = [];
  const events = new BroadcastEvents({
    emit: <T extends WebhookEventType>(type: T, room: string, data: WebhookData<T>) => {
      told.push({ type, room, data: WEBHOOK_EVENTS[type].data.parse(data) as (typeof told)[number]['data'] });
    },
  });
  const board = new StatusBoard({
    id: 'baaaaaaaaaaaa',
    room: 'demo',
    input: BroadcastInput.parse({}),
    onStatus: (room, status) => events.status(room, status),
  });
  const book = new DestinationBook({
    ...{ room: 'demo', broadcast: 'baaaaaaaaaaaa', board, keys: new KeyClaims() },
    onDestination: (event) => events.destination(event),
  });
  const types = () => told.splice(0).map(({ type }) => type);
  return { board, book, events, told, types };
}
const destination = (state: DestinationState, more: object = {}) => ({
  ...{ id: 'daaaaaaaa', name: 'cdn', target: 'rtmp://cdn.example/app', state, reason: '' },
  ...{ since: 1, cause: null, retryAt: null, connects: 0, bytes: 0, droppedGops: 0, ...more },
});

test('a broadcast’s life: each state once, the end last', () => {
  const { board, events, types } = setUp();
  events.status('demo', board.status);
  board.set({ startedAt: 5 });
  board.set({ state: 'live' });
  board.set({ restarts: 1 });
  board.set({ state: 'recovering' });
  board.set({ state: 'live' });
  board.set({ state: 'ending' });
  board.set({ endedAt: 9, endReason: 'stopped' });
  board.set({ state: 'ended' });
  board.close();
  expect(types()).toEqual([
    'broadcast.starting',
    'broadcast.live',
    'broadcast.recovering',
    'broadcast.live',
    'broadcast.ended',
  ]);
});

test('one that has to wait says so once, with its position, and starts anew when it has a place', () => {
  const { board, events, told, types } = setUp();
  events.status('demo', board.status);
  board.set({ state: 'pending', position: 2, waitReason: 'no-capacity' });
  board.set({ position: 1 });
  expect(told[1]?.data).toMatchObject({ broadcast: { position: 2, waitReason: 'no-capacity' } });
  board.set({ state: 'starting', position: null, waitReason: null });
  board.set({ state: 'live' });
  board.close();
  expect(types()).toEqual(['broadcast.starting', 'broadcast.pending', 'broadcast.starting', 'broadcast.live']);
});

test('says what is in the status, and nothing of figures', () => {
  const { board, told } = setUp();
  board.set({ state: 'failed', endReason: 'failed', endedAt: 7 });
  expect(told).toMatchObject([
    {
      type: 'broadcast.failed',
      room: 'demo',
      data: {
        broadcast: { id: 'baaaaaaaaaaaa', state: 'failed', endReason: 'failed', playlist: '/live/demo/index.m3u8' },
      },
    },
  ]);
  expect(Object.keys(told[0]?.data.broadcast ?? {})).not.toContain('viewers');
});

test('one that comes back after a restart of the server did not start again', () => {
  const { board, types } = setUp();
  board.set({ state: 'recovering' });
  board.set({ state: 'live' });
  expect(types()).toEqual(['broadcast.recovering', 'broadcast.live']);
});

test('giving way to CPU pressure, and back to normal', () => {
  const { board, told } = setUp();
  board.set({ state: 'live' });
  board.set({ degradation: 'half-source-rate' });
  board.set({ degradation: 'none' });
  expect(told.map((t) => t.type)).toEqual(['broadcast.live', 'broadcast.degraded', 'broadcast.degraded']);
});

test('destinations: each change of state with its reason, stopped before the broadcast ends; counters are none', () => {
  const { board, book, told } = setUp();
  board.set({ state: 'live' });
  told.length = 0;
  book.add({
    url: new Secret('rtmp://cdn.example/app/key'),
    identity: 'cdn',
    reconnectSeconds: 5,
    status: destination('connecting'),
  });
  book.report(destination('live', { connects: 1 }));
  book.report(destination('live', { connects: 1, bytes: 5 }));
  book.report(destination('reconnecting', { reason: 'It closed the connection.' }));
  book.report(destination('reconnecting', { reason: 'It does not answer.' }));
  book.close();
  board.set({ state: 'ended' });
  board.close();
  expect(told.map(({ type, data }) => [type, data.destination?.reason])).toEqual([
    ['destination.connecting', ''],
    ['destination.live', ''],
    ['destination.reconnecting', 'It closed the connection.'],
    ['destination.stopped', 'It does not answer.'],
    ['broadcast.ended', undefined],
  ]);
});

test('one that is removed has stopped, once; one that fails says why', () => {
  const { board, book, told } = setUp();
  board.set({ state: 'live' });
  for (const id of ['daaaaaaaa', 'dbbbbbbbb'])
    book.add({
      url: new Secret('rtmp://cdn.example/app/key'),
      identity: id,
      reconnectSeconds: 5,
      status: destination('connecting', { id }),
    });
  told.length = 0;
  book.remove('daaaaaaaa', true);
  book.report(destination('stopped'));
  book.report(destination('failed', { id: 'dbbbbbbbb', reason: 'It refuses the key.' }));
  board.close();
  expect(told.map(({ type, data }) => [type, data.destination?.reason])).toEqual([
    ['destination.stopped', ''],
    ['destination.failed', 'It refuses the key.'],
  ]);
});
