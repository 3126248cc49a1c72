/** The routes under `/v1/webhooks`. In: who is allowed to use the API. Next: Endpoints.ts. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ErrorAnswer } from '../contracts/api.ts';
import { AppError } from '../contracts/errors.ts';
import {
  DeliveryList,
  DeliveryQuery,
  ResendAnswer,
  SecretInput,
  Webhook,
  WebhookAnswer,
  WebhookEventId,
  WebhookId,
  WebhookInput,
  WebhookList,
} from '../contracts/webhooks.ts';
import type { Endpoints } from './Endpoints.ts';

const Params = z.object({ id: WebhookId });
const failures = { '4xx': ErrorAnswer, '5xx': ErrorAnswer };
const tags = ['webhooks'];

export function registerWebhooks(fastify: FastifyInstance, endpoints: Endpoints): void {
  endpointRoutes(fastify, endpoints);
  deliveryRoutes(fastify, endpoints);
}

function endpointRoutes(fastify: FastifyInstance, endpoints: Endpoints): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  const one = { tags, params: Params };
  api.get(
    '/webhooks',
    { schema: { summary: 'All webhooks', tags, response: { 200: WebhookList, ...failures } } },
    async () => ({ webhooks: await endpoints.list() }),
  );
  api.get(
    '/webhooks/:id',
    { schema: { summary: 'One webhook', ...one, response: { 200: Webhook, ...failures } } },
    async (request) => endpoints.get(request.params.id),
  );
  api.put(
    '/webhooks/:id',
    {
      schema: {
        summary: 'Make a webhook, or change it; the secret of a new one is in this answer and in no other',
        ...one,
        body: WebhookInput,
        response: { 200: WebhookAnswer, 201: WebhookAnswer, ...failures },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (id.startsWith('settings-'))
        throw new AppError('bad-request', 'Ids that begin with `settings-` are those of LIANMAI_WEBHOOK_URLS.');
      const { webhook, secret } = await endpoints.put(id, request.body);
      return reply
        .code(secret ? 201 : 200)
        .header('cache-control', 'no-store')
        .send({ webhook, secret: secret?.reveal() ?? null });
    },
  );
  api.post(
    '/webhooks/:id/secret',
    {
      schema: {
        summary: 'Make a new secret; the one before signs too for a while',
        ...one,
        body: SecretInput,
        response: { 200: WebhookAnswer, ...failures },
      },
    },
    async (request, reply) => {
      const { webhook, secret } = await endpoints.rotate(request.params.id, request.body.overlapSeconds);
      return reply.header('cache-control', 'no-store').send({ webhook, secret: secret.reveal() });
    },
  );
  api.delete(
    '/webhooks/:id',
    {
      schema: {
        summary: 'Remove a webhook, and what waits for it',
        ...one,
        response: { 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      await endpoints.delete(request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function deliveryRoutes(fastify: FastifyInstance, endpoints: Endpoints): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  api.get(
    '/webhooks/:id/deliveries',
    {
      schema: {
        summary: 'What waits, was delivered within the last day, or was given up within two weeks',
        tags,
        params: Params,
        querystring: DeliveryQuery,
        response: { 200: DeliveryList, ...failures },
      },
    },
    async (request) => endpoints.deliveries(request.params.id, request.query),
  );
  api.post(
    '/webhooks/:id/deliveries/resend',
    {
      schema: {
        summary: 'Send everything again that was given up',
        tags,
        params: Params,
        response: { 200: ResendAnswer, ...failures },
      },
    },
    async (request) => ({ resent: await endpoints.resend(request.params.id) }),
  );
  api.post(
    '/webhooks/:id/deliveries/:event/resend',
    {
      schema: {
        summary: 'Send one event again, with the same id and body',
        tags,
        params: Params.extend({ event: WebhookEventId }),
        response: { 200: ResendAnswer, ...failures },
      },
    },
    async (request) => ({ resent: await endpoints.resend(request.params.id, request.params.event) }),
  );
}
