import { expect, test } from 'vitest';
import { StatusBoard } from '../../../src/broadcast/StatusBoard.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import type { DestinationState } from '../../../src/contracts/deliveryControl.ts';
import { WEBHOOK_EVENTS, type WebhookData, type WebhookEventType } from '../../../src/contracts/webhooks.ts';
import { BroadcastEvents } from '../../../src/webhooks/BroadcastEvents.ts';

function setUp() {
  const told: { type: WebhookEventType; room: string; data: Record<string, never> }[] = [];
  const events = new BroadcastEvents({
    emit: <T extends WebhookEventType>(type: T, room: string, data: WebhookData<T>) => {
      told.push({ type, room, data: WEBHOOK_EVENTS[type].data.parse(data) as Record<string, never> });
    },
  });
  const board = new StatusBoard({
    id: 'baaaaaaaaaaaa',
    room: 'demo',
    input: BroadcastInput.parse({}),
    onStatus: (room, status) => events.status(room, status),
  });
  const types = () => told.splice(0).map(({ type }) => type);
  return { board, events, told, types };
}
const destination = (state: DestinationState, more: object = {}) => ({
  ...{ id: 'daaaaaaaa', name: 'cdn', target: 'rtmp://cdn.example/app', state, reason: '' },
  ...{ connects: 0, bytes: 0, droppedGops: 0, ...more },
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

test('destinations: each change of state with its reason; counters are none', () => {
  const { board, told } = setUp();
  board.set({ state: 'live' });
  told.length = 0;
  board.destination(destination('connecting'));
  board.destination(destination('live', { connects: 1 }));
  board.destination(destination('live', { connects: 1, bytes: 5 }));
  board.destination(destination('reconnecting', { reason: 'It closed the connection.' }));
  board.destination(destination('reconnecting', { reason: 'It does not answer.' }));
  board.destination(destination('failed', { reason: 'It refuses the key.' }));
  board.close();
  expect(told.map(({ type, data }) => [type, (data.destination as { reason: string }).reason])).toEqual([
    ['destination.connecting', ''],
    ['destination.live', ''],
    ['destination.reconnecting', 'It closed the connection.'],
    ['destination.failed', 'It refuses the key.'],
  ]);
});

test('one that is removed has stopped, and at the end all have, before the broadcast', () => {
  const { board, types } = setUp();
  board.set({ state: 'live' });
  board.destination(destination('live'));
  board.destination(destination('live', { id: 'dbbbbbbbb' }));
  board.destination(destination('failed', { id: 'dcccccccc' }));
  types();
  board.removeDestination('daaaaaaaa');
  expect(types()).toEqual(['destination.stopped']);
  board.set({ state: 'ended' });
  expect(types()).toEqual(['destination.stopped', 'broadcast.ended']);
});
