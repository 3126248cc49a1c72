/**
 * Serves broadcasts that another delivery node owns. In: a request of a viewer that was admitted (http/playAccess.ts). Out: what the
 * owner says (EdgeCache.ts, Upstream.ts), in this viewer's coding and range, if the broadcast is open to them.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../common/logger.ts';
import { AppError } from '../../contracts/errors.ts';
import { sendMedia, sendText } from '../http/answers.ts';
import { cacheControl } from '../http/cachePolicy.ts';
import type { PlayGate } from '../http/PlayGate.ts';
import { allow } from '../http/playAccess.ts';
import type { PlaybackPath } from '../http/playbackPath.ts';
import type { DeliveryMetrics } from '../metrics.ts';
import type { Viewers } from '../Viewers.ts';
import { EdgeCache, type Received } from './EdgeCache.ts';
import type { OwnerOf } from './OwnerOf.ts';
import { askUpstream, type UpstreamAnswer, UpstreamError } from './Upstream.ts';

/** Requests on their way to owners at the same time: each holds a connection. */
const MAX_FLIGHTS = 1_000;
/** A failing owner is told of at most this often, ms. */
const WARN_EVERY_MS = 1_000;
/** Players who are gone are forgotten, ms. */
const PRUNE_MS = 30_000;

export interface EdgeOptions {
  /** A name for this node, among all that ask an owner. */
  node: string;
  ownerOf: OwnerOf;
  /** A fresh token of audience `service`. */
  newServiceToken: () => Promise<string>;
  /** What may be kept in memory. */
  maxBytes: number;
  viewers: Viewers;
  logger: Logger;
  metrics: DeliveryMetrics;
}

export class Edge {
  readonly #options: EdgeOptions;
  readonly #cache: EdgeCache;
  readonly #pruning: NodeJS.Timeout;
  #closed = false;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#cache = new EdgeCache({ maxBytes: options.maxBytes, maxFlights: MAX_FLIGHTS, metrics: options.metrics.edge });
    // Nobody tells us that a broadcast of another node has ended.
    this.#pruning = setInterval(() => options.viewers.prune(), PRUNE_MS).unref();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Aborts what is on its way. Idempotent. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#pruning);
    this.#cache.clear();
  }

  /** Answers the request; false when nobody owns the room. Throws AppError. */
  async serve(
    request: FastifyRequest,
    reply: FastifyReply,
    path: PlaybackPath,
    { gate }: { gate: PlayGate },
  ): Promise<boolean> {
    if (this.#closed) throw new AppError('shutting-down');
    const owner = this.#options.ownerOf(path.room, path.broadcast);
    if (owner === null) return false;
    const { viewers, metrics } = this.#options;
    const { broadcast, canonical } = path;
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    reply.raw.once('close', onClose);
    metrics.hlsWaiting.inc();
    try {
      const answer = await this.#cache.get(canonical, gone.signal, (signal) =>
        this.#ask(`${owner}/live/${canonical}`, broadcast, signal),
      );
      allow(gate, request, reply, answer.playback);
      const own = request.playAccess !== 'node';
      if (own && broadcast !== undefined && path.mediaPlaylist) viewers.seen(broadcast, request);
      request.servedBroadcast = broadcast ?? namedIn(answer.bytes);
      // Never returned: a reply is awaited like a promise, and then it is undefined.
      void send(request, reply, path, answer, gate.lifeSeconds(request.playAccess));
      return true;
    } catch (error) {
      // Nobody is there to be answered.
      if (gone.signal.aborted) {
        reply.hijack();
        return true;
      }
      if (error instanceof UpstreamError) throw error;
      this.#warn(error);
      throw error;
    } finally {
      metrics.hlsWaiting.dec();
      reply.raw.off('close', onClose);
    }
  }

  async #ask(url: string, broadcast: string | undefined, signal: AbortSignal): Promise<UpstreamAnswer> {
    const { node, newServiceToken, viewers } = this.#options;
    const own =
      broadcast === undefined
        ? {}
        : { viewers: viewers.count(broadcast), watching: viewers.watching.report(broadcast) };
    return askUpstream({ url, serviceToken: await newServiceToken(), node, ...own, signal });
  }

  #warn(error: unknown): void {
    const failed = error instanceof AppError && error.code === 'bad-upstream';
    const now = performance.now();
    if (!failed || now - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = now;
    this.#options.logger.warn({ err: error }, 'owner of a broadcast cannot be reached');
  }
}

/** What is the room's names its broadcast: the multivariant playlist in its URIs, `state.json` as a field. Empty: there is none. */
function namedIn(bytes: Buffer): string {
  const text = bytes.toString('latin1', 0, 4096);
  const [, inUri, inField] = /(?:="|\n)(b[a-z0-9]{8,31})\/|"broadcast":"(b[a-z0-9]{8,31})"/.exec(text) ?? [];
  return inUri ?? inField ?? '';
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  path: PlaybackPath,
  { bytes, type, etag, freshness }: Received,
  lifeSeconds: number,
): FastifyReply {
  const common = { bytes, type, cacheControl: cacheControl(freshness, lifeSeconds) };
  return path.text ? sendText(request, reply, common) : sendMedia(request, reply, { ...common, etag });
}
