import { expect, test } from 'vitest';
import { HandoffPace } from '../../../src/broadcast/HandoffPace.ts';
import { HandoffTurn } from '../../../src/broadcast/HandoffTurn.ts';
import type { Waits } from '../../../src/broadcast/place/Ticket.ts';
import { TypedEmitter } from '../../../src/common/TypedEmitter.ts';

const never = new AbortController().signal;
const FIRST: Waits = { position: 1, reason: 'no-capacity' };

test('who waits for a place lets others go first, and takes a turn again before an agent is asked', async () => {
  const pace = new HandoffPace(1);
  const place = new TypedEmitter<{ waiting: [waits: Waits | null] }>();
  const turn = new HandoffTurn(pace, never);
  await turn.take();
  const order: string[] = [];
  const sought = turn.besides(place, async (onTurn) => {
    place.emit('waiting', FIRST);
    const other = await pace.turn(never);
    order.push('another handoff');
    place.emit('waiting', null);
    const asking = onTurn().then(() => order.push('asks an agent'));
    await Promise.resolve();
    order.push('it is over');
    other();
    await asking;
  });
  await sought;
  expect(order).toEqual(['another handoff', 'it is over', 'asks an agent']);
  // What is told afterwards is no matter of this handoff.
  place.emit('waiting', FIRST);
  const next = pace.turn(never);
  turn.give();
  turn.give();
  (await next)();
});

test('who finds a place at once keeps its turn', async () => {
  const pace = new HandoffPace(1);
  const turn = new HandoffTurn(pace, never);
  await turn.take();
  expect(
    await turn.besides(new TypedEmitter<{ waiting: [waits: Waits | null] }>(), async (onTurn) => {
      await onTurn();
      return 'there';
    }),
  ).toBe('there');
  turn.give();
  (await pace.turn(never))();
});
