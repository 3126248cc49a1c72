import { describe, expect, test } from 'vitest';
import { monitorState } from '../../../client/studio/room/monitor/monitorState.ts';
import { BroadcastState } from '../../../src/contracts/broadcast.ts';

const none = { picture: 'none', overdue: false } as const;
const there = { picture: 'there', overdue: false } as const;
const kept = { picture: 'kept', overdue: false } as const;

describe('what the monitor says', () => {
  test('without a broadcast, or after one, nothing is live, whatever picture is left', () => {
    expect(monitorState(null, there)).toBe('off');
    expect(monitorState({ state: 'ended' }, there)).toBe('off');
    expect(monitorState({ state: 'failed' }, none)).toBe('off');
  });

  test('live is only what has a picture; one that does not come is told', () => {
    expect(monitorState({ state: 'live' }, none)).toBe('starting');
    expect(monitorState({ state: 'live' }, there)).toBe('live');
    expect(monitorState({ state: 'live' }, { picture: 'none', overdue: true })).toBe('missing');
  });

  test('while a compositor is replaced the last picture is not called live', () => {
    expect(monitorState({ state: 'recovering' }, there)).toBe('recovering');
    expect(monitorState({ state: 'live' }, kept)).toBe('recovering');
    expect(monitorState({ state: 'live' }, { picture: 'kept', overdue: true })).toBe('missing');
  });

  test('there is something to say in each state', () => {
    for (const state of BroadcastState.options) expect(monitorState({ state }, none)).toBeTruthy();
  });
});
