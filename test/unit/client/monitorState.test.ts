import { describe, expect, test } from 'vitest';
import { monitorState } from '../../../client/studio/room/monitor/monitorState.ts';
import { BroadcastState } from '../../../src/contracts/broadcast.ts';

const none = { picture: false, overdue: false };
const there = { picture: true, overdue: false };

describe('what the monitor says', () => {
  test('without a broadcast, or after one, nothing is live, whatever picture is left', () => {
    expect(monitorState(null, there)).toBe('off');
    expect(monitorState({ state: 'ended' }, there)).toBe('off');
    expect(monitorState({ state: 'failed' }, none)).toBe('off');
  });

  test('live is only what has a picture; one that does not come is told', () => {
    expect(monitorState({ state: 'live' }, none)).toBe('starting');
    expect(monitorState({ state: 'live' }, there)).toBe('live');
    expect(monitorState({ state: 'live' }, { picture: false, overdue: true })).toBe('missing');
  });

  test('while a compositor is replaced the last picture is not called live', () => {
    expect(monitorState({ state: 'recovering' }, there)).toBe('recovering');
  });

  test('there is something to say in each state', () => {
    for (const state of BroadcastState.options) expect(monitorState({ state }, none)).toBeTruthy();
  });
});
