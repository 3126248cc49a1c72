import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { z } from 'zod';
import { eventSchemaOf, SIGNATURE_HEADER, WEBHOOK_EVENTS, WebhookEventType } from '../contracts/webhooks.ts';

type Document = NonNullable<FastifyDynamicSwaggerOptions['openapi']>;
type Section = NonNullable<Extract<Document, { webhooks?: unknown }>['webhooks']>;

/** The section `webhooks` of the API document (OpenAPI 3.1.0, 4.8.1): each event as a request that the user's server gets. */
export function openApiWebhooks(): Section {
  return Object.fromEntries(WebhookEventType.options.map((type) => [type, { post: operationOf(type) }])) as Section;
}

function operationOf(type: WebhookEventType): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(eventSchemaOf(type), { io: 'output' });
  return {
    summary: WEBHOOK_EVENTS[type].help,
    tags: ['webhooks'],
    security: [],
    parameters: [
      {
        name: SIGNATURE_HEADER,
        in: 'header',
        required: true,
        description: '`t=SECONDS,v1=HEX`: HMAC-SHA256 of `SECONDS.BODY`, one `v1` for each live secret.',
        schema: { type: 'string' },
      },
    ],
    requestBody: { required: true, content: { 'application/json': { schema } } },
    responses: {
      '2XX': { description: 'Accepted. Anything else, or no answer within 10 s, and the event is sent again later.' },
    },
  };
}
