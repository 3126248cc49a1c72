/** Internal: other nodes hand over what they have counted, and ask for what is known here (contracts/usage.ts). JSON, with a service token. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { UsageFeed, UsageFeedQuery, UsageReports, UsageTaken } from '../contracts/usage.ts';
import type { UsageLedger } from './UsageLedger.ts';

/** A node with a hundred broadcasts that was not heard for a while has some megabytes to tell. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

export interface UsageControlOptions {
  ledger: UsageLedger;
  /** Writes what is known here into the ledger. */
  commit: () => void;
  /** Throws AppError unless it is a `service` token. */
  verifyService(authorization: string | undefined): Promise<void>;
}

/** Call before the server listens. */
export function registerUsageControl(fastify: FastifyInstance, options: UsageControlOptions): void {
  const { ledger, commit, verifyService } = options;
  void fastify.register(
    async (instance) => {
      const scope = instance.withTypeProvider<ZodTypeProvider>();
      scope.addHook('onRequest', async (request) => verifyService(request.headers.authorization));
      scope.post(
        '/',
        { bodyLimit: BODY_LIMIT_BYTES, schema: { hide: true, body: UsageReports, response: { 200: UsageTaken } } },
        async (request) => {
          ledger.append(request.body.reports, { own: false });
          return { ledger: ledger.id };
        },
      );
      scope.get(
        '/',
        { schema: { hide: true, querystring: UsageFeedQuery, response: { 200: UsageFeed } } },
        async (request) => {
          commit();
          return ledger.feed(request.query.after);
        },
      );
    },
    { prefix: '/delivery/usage' },
  );
}
