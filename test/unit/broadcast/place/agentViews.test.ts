import { expect, test } from 'vitest';
import { agentViews } from '../../../../src/broadcast/place/agentViews.ts';
import { PROTOCOL } from '../../../../src/contracts/ids.ts';

const entry = { url: 'http://a', capacity: 4, load: 1, draining: false, version: '1.0.0', protocol: PROTOCOL };

test('an agent of before, which says nothing of slots: a broadcast is a slot', () => {
  expect(agentViews([entry], [])).toEqual([{ ...entryView, slots: 4, used: 1, load: 1, places: 3 }]);
});
const entryView = { url: 'http://a', draining: false, version: '1.0.0', protocol: PROTOCOL };

test('one that is only configured takes whatever comes; it is as old as can be', () => {
  const [view] = agentViews([{ url: 'http://a', capacity: null, load: 2, draining: false }], []);
  expect(view).toEqual({ ...entryView, version: '', slots: null, used: 2, load: 2 });
});

test('what this node has there counts even where the agent has not said so yet', () => {
  const says = { ...entry, slots: 8, used: 2.5 };
  const have = [0.9, 0.9, 0.9].map((slots) => ({ agent: 'http://a', slots }));
  const [view] = agentViews([says], [...have, { agent: 'http://elsewhere', slots: 5 }]);
  expect(view?.used).toBeCloseTo(2.7);
  expect([view?.load, view?.places]).toEqual([3, 1]);
});

test('what it is just being asked for comes on top of what it had, until it says so itself', () => {
  const asked = [{ agent: 'http://a', slots: 1, asked: { used: 5, load: 5 } }];
  expect(agentViews([{ ...entry, slots: 8, used: 5, load: 5 }], asked)[0]).toMatchObject({ used: 6, load: 6 });
  expect(agentViews([{ ...entry, slots: 8, used: 6, load: 6 }], asked)[0]).toMatchObject({ used: 6, load: 6 });
  expect(agentViews([{ ...entry, slots: 8, used: 7, load: 7 }], asked)[0]).toMatchObject({ used: 7, load: 7 });
});
