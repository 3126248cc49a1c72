import { describe, expect, test } from 'vitest';
import { Viewers } from '../../../src/delivery/Viewers.ts';

function viewersAt() {
  const time = { now: 0 };
  return { time, viewers: new Viewers({ now: () => time.now }) };
}
const player = (ip: string, agent = 'one') => ({ ip, headers: { 'user-agent': agent } });

test('players are told apart by address and user agent, and are gone after 10 s', () => {
  const { time, viewers } = viewersAt();
  for (const seen of [player('::1'), player('::1'), player('::1', 'two'), player('::2')]) viewers.seen('b1', seen);
  expect([viewers.count('b1'), viewers.count('b2')]).toEqual([3, 0]);
  time.now = 9_000;
  viewers.seen('b1', player('::2'));
  time.now = 11_000;
  expect(viewers.count('b1')).toBe(1);
  viewers.forget('b1');
  expect(viewers.count('b1')).toBe(0);
});

test('those of other nodes are added, as each said last', () => {
  const { time, viewers } = viewersAt();
  viewers.seen('b1', player('::1'));
  for (const report of ['edge-a;40', 'edge-b;2', 'edge-a;50', '', 'x', 'edge c;3', 'edge-d;-1', 'edge-e;1e9'])
    viewers.elsewhere('b1', report);
  expect(viewers.count('b1')).toBe(53);
  time.now = 9_000;
  viewers.elsewhere('b1', 'edge-b;3');
  time.now = 11_000;
  viewers.prune();
  expect(viewers.count('b1')).toBe(3);
});

describe('pages that say that they watch', () => {
  const here = { ip: '::1', agent: 'one' };
  const says = (session: string, leaving = false) => ({ session, leaving });

  test('are counted one by one behind one address, as long as something is played there', () => {
    const { time, viewers } = viewersAt();
    expect(viewers.beacon('b1', here, says('aaaaaaaa'))).toBe('unknown');
    viewers.seen('b1', player('::1'));
    for (const session of ['aaaaaaaa', 'bbbbbbbb', 'cccccccc'])
      expect(viewers.beacon('b1', here, says(session))).toBe('counted');
    expect(viewers.count('b1')).toBe(3);
    time.now = 70_000;
    viewers.seen('b1', player('::1'));
    expect(viewers.count('b1')).toBe(1);
    time.now = 90_000;
    expect(viewers.count('b1')).toBe(0);
  });

  test('are gone as soon as they say so', () => {
    const { viewers } = viewersAt();
    viewers.seen('b1', player('::1'));
    for (const session of ['aaaaaaaa', 'bbbbbbbb']) viewers.beacon('b1', here, says(session));
    expect(viewers.beacon('b1', here, says('aaaaaaaa', true))).toBe('counted');
    expect(viewers.count('b1')).toBe(1);
    viewers.beacon('b1', here, says('bbbbbbbb', true));
    expect(viewers.count('b1')).toBe(0);
  });

  test('are not listened to when they say it again and again, or are too many', () => {
    const { time, viewers } = viewersAt();
    viewers.seen('b1', player('::1'));
    expect(viewers.beacon('b1', here, says('aaaaaaaa'))).toBe('counted');
    expect(viewers.beacon('b1', here, says('aaaaaaaa'))).toBe('too-many');
    time.now = 2_000;
    expect(viewers.beacon('b1', here, says('aaaaaaaa'))).toBe('counted');
    for (let i = 0; i < 1_000; i++) viewers.beacon('b1', here, says(`flooding-${i}`));
    expect(viewers.count('b1')).toBe(500);
  });
});
