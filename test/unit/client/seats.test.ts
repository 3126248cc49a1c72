import { expect, test } from 'vitest';
import { RoomState } from '../../../client/studio/session/RoomState.ts';
import type { PeerInfo } from '../../../src/contracts/signaling.ts';

const peer = (id: string, more: Partial<PeerInfo>): PeerInfo => ({
  ...{ id, name: id, role: 'audience', seated: false, asking: false, presence: 'here', sources: [] },
  ...more,
});

test('who asked first is first in the queue, in whatever order one hears of them', () => {
  const state = new RoomState();
  for (const one of [
    peer('late', { asking: true, askedAt: 30 }),
    peer('seated', { seated: true }),
    peer('first', { asking: true, askedAt: 10 }),
    peer('watches', {}),
    peer('second', { asking: true, askedAt: 20 }),
  ])
    state.events['peer:joined'](one);
  expect(state.asking.value.map(({ id }) => id)).toEqual(['first', 'second', 'late']);
  state.events['peer:updated'](peer('first', { seated: true }));
  expect(state.asking.value.map(({ id }) => id)).toEqual(['second', 'late']);
});
