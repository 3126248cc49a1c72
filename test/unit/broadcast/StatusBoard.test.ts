import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StatusBoard } from '../../../src/broadcast/StatusBoard.ts';
import { BroadcastInput, BroadcastStatus } from '../../../src/contracts/broadcast.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function setUp() {
  const told: BroadcastStatus[] = [];
  const board = new StatusBoard({
    id: 'baaaaaaaaaaaa',
    room: 'demo',
    input: BroadcastInput.parse({}),
    onStatus: (_, status) => told.push(status),
  });
  return { board, told };
}
const destination = {
  ...{ id: 'daaaaaaaa', name: 'cdn', target: 'rtmp://cdn.example/app', state: 'connecting' as const },
  ...{ since: 1, cause: null, retryAt: null },
  ...{ reason: '', connects: 0, bytes: 0, droppedGops: 0 },
};

test('is what the contract says', () => {
  const { board } = setUp();
  board.destination(destination);
  expect(BroadcastStatus.parse(board.status)).toEqual(board.status);
});

test('states are told at once, figures at most once a second, and the newest of them', () => {
  const { board, told } = setUp();
  board.set({ state: 'live' });
  for (let fps = 1; fps <= 10; fps++) board.figures({ fps });
  expect(told).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  expect(told.map((s) => s.fps)).toEqual([0, 10]);
  board.figures({ viewers: 3 });
  board.set({ state: 'recovering' });
  vi.advanceTimersByTime(5_000);
  expect(told.map((s) => [s.state, s.viewers])).toEqual([
    ['live', 0],
    ['live', 0],
    ['recovering', 3],
  ]);
});

test('a destination that moves is told at once, one that only counts is not', () => {
  const { board, told } = setUp();
  board.destination(destination);
  board.destination({ ...destination, bytes: 1 });
  expect(told).toHaveLength(1);
  board.destination({ ...destination, state: 'live', bytes: 2 });
  expect(told).toHaveLength(2);
  board.removeDestination(destination.id);
  expect(told.at(-1)?.destinations).toEqual([]);
});

test('says nothing after close', () => {
  const { board, told } = setUp();
  board.set({ state: 'live' });
  board.figures({ fps: 1 });
  board.close();
  vi.advanceTimersByTime(5_000);
  expect(told).toHaveLength(1);
});
