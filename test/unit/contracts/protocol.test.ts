/** What version 1 said is understood, and nothing is said to it that it does not know. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CONTROL_SINCE, CompositorMessage, ControllerMessage } from '../../../src/contracts/control.ts';
import { DELIVERY_SINCE, DeliveryOrder, DeliveryReport } from '../../../src/contracts/deliveryControl.ts';
import { OLDEST_PROTOCOL, PROTOCOL, Protocol } from '../../../src/contracts/ids.ts';
import { foreignProtocol, isKnownTo, protocolBefore, protocolWith } from '../../../src/contracts/protocol.ts';
import { NodeInfo } from '../../../src/directory/entries.ts';
import * as control1 from '../../fixtures/protocol1/contracts/control.ts';
import * as delivery1 from '../../fixtures/protocol1/contracts/deliveryControl.ts';

type Message = { type: string };
const messages = JSON.parse(
  readFileSync(new URL('../../fixtures/protocol1/messages.json', import.meta.url), 'utf8'),
) as Record<'controller' | 'compositor' | 'order' | 'report', Message[]> & { node: unknown };

const INTERFACES = [
  ['Control, controller to agent', 'controller', ControllerMessage, control1.ControllerMessage, CONTROL_SINCE],
  ['Control, agent to controller', 'compositor', CompositorMessage, control1.CompositorMessage, CONTROL_SINCE],
  ['Delivery control, orders', 'order', DeliveryOrder, delivery1.DeliveryOrder, DELIVERY_SINCE],
  ['Delivery control, reports', 'report', DeliveryReport, delivery1.DeliveryReport, DELIVERY_SINCE],
] as const;

const typesOf = (union: { options: readonly { shape: { type: { value: string } } }[] }): string[] =>
  union.options.map(({ shape }) => shape.type.value);

describe.each(INTERFACES)('%s', (_, name, today, before, since) => {
  test('there is a message of each type that version 1 had', () => {
    expect([...new Set(messages[name].map(({ type }) => type))].sort()).toEqual(typesOf(before).sort());
  });

  test.each(messages[name].map((message) => [message.type, message] as const))(
    'version 1 said `%s`: it is understood, and means the same to version 1 when it is said back',
    (_type, message) => {
      const said: unknown = JSON.parse(JSON.stringify(today.parse(message)));
      expect(before.parse(said)).toEqual(before.parse(message));
    },
  );

  test('each message that version 1 did not have is in the table, with the number that it came with', () => {
    const later = typesOf(today).filter((type) => !typesOf(before).includes(type));
    for (const type of later) {
      const number = (since as Record<string, number>)[type];
      expect(number, `${type} in ${name}`).toBeGreaterThan(OLDEST_PROTOCOL);
      expect(number, type).toBeLessThanOrEqual(PROTOCOL);
    }
    // Nothing that version 1 says and needs is kept from it.
    expect(typesOf(before).filter((type) => type in since)).toEqual([]);
    expect(typesOf(before).filter((type) => !typesOf(today).includes(type))).toEqual([]);
  });
});

test('an entry of a node of version 1 is understood', () => {
  expect(NodeInfo.parse(messages.node)).toMatchObject({ role: 'compositor', protocol: 1, load: 2 });
});

describe('the number that two nodes speak', () => {
  test('is the lower one; ours where the other one has not said it', () => {
    expect([PROTOCOL, OLDEST_PROTOCOL]).toEqual([2, 1]);
    expect([1, 2, 3, undefined].map(protocolWith)).toEqual([1, 2, 2, 2]);
  });

  test('is tried once more, with the one before, when it was refused', () => {
    expect([2, 1].map(protocolBefore)).toEqual([1, undefined]);
  });

  test('a node understands its own and the one before, and says so to who speaks a newer one', () => {
    expect([0, 1, 2, 3].map((number) => Protocol.safeParse(number).success)).toEqual([false, true, true, false]);
    expect(foreignProtocol({ type: 'open', protocol: 3 })).toBe('This node speaks protocol 1 to 2, not 3.');
    for (const message of [{ type: 'open', protocol: 2 }, { type: 'stop' }, { type: 'open' }, null, 'open'])
      expect(foreignProtocol(message)).toBeUndefined();
  });

  test('a message that came later is not known to who speaks an older one', () => {
    const since = { later: 2 };
    expect([1, 2].map((protocol) => isKnownTo(protocol, { type: 'later' }, since))).toEqual([false, true]);
    expect(isKnownTo(1, { type: 'open' }, since)).toBe(true);
  });
});
