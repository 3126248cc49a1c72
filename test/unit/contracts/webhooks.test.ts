import { expect, test } from 'vitest';
import { filterLets, WEBHOOK_EVENTS, WebhookFilter, WebhookInput } from '../../../src/contracts/webhooks.ts';
import { openApiWebhooks } from '../../../src/webhooks/openApiWebhooks.ts';

test.each([
  [['*'], 'peer.left', true],
  [['peer.*'], 'peer.left', true],
  [['peer.left', 'room.*'], 'peer.left', true],
  [['peer.joined'], 'peer.left', false],
  [['room.*'], 'peer.left', false],
] as const)('%o lets %s: %o', (filters, type, lets) => {
  expect(filterLets(filters, type)).toBe(lets);
});

test.each(['peer', 'peer.', '*.left', 'peer.gone', '', 'peer.left '])('%o is no filter', (text) => {
  expect(WebhookFilter.safeParse(text).success).toBe(false);
});

test('an endpoint gets everything unless it says otherwise; what is misspelt is refused', () => {
  expect(WebhookInput.parse({ url: 'https://a.example/' })).toEqual({
    url: 'https://a.example/',
    events: ['*'],
    enabled: true,
    description: '',
  });
  expect(WebhookInput.safeParse({ url: 'https://a.example/', event: ['*'] }).success).toBe(false);
  expect(WebhookInput.safeParse({ url: 'https://a.example/', events: [] }).success).toBe(false);
});

test('the API document has each event as a request', () => {
  const section = openApiWebhooks();
  expect(Object.keys(section)).toEqual(Object.keys(WEBHOOK_EVENTS));
  expect(section['peer.left']).toMatchObject({
    post: {
      requestBody: {
        content: {
          'application/json': { schema: { properties: { type: { const: 'peer.left' }, sequence: { minimum: 1 } } } },
        },
      },
    },
  });
});
