/**
 * One request to the node that owns a broadcast. In: its URL and a path below `/live/`. Out: an answer that can be given to any
 * number of viewers. Next: EdgeCache.ts.
 */
import { z } from 'zod';
import { AppError, ERRORS, type ErrorCode } from '../../contracts/errors.ts';
import {
  EDGE_VIEWERS_HEADER,
  EDGE_WATCHING_HEADER,
  PLAYBACK_ACCESS_HEADER,
  PlaybackAccess,
} from '../../contracts/playback.ts';
import type { Freshness } from '../http/cachePolicy.ts';

/** Longer than the owner holds any request: three target durations of 6 s. Then it hangs, ms. */
const ANSWER_LIMIT_MS = 20_000;
/** A whole segment of 20 s at 20 Mbit/s has 50 MB. */
const MAX_BYTES = 64 * 1024 * 1024;
export interface UpstreamAnswer {
  bytes: Buffer;
  type: string;
  /** With its quotes; empty: it has none. */
  etag: string;
  /** How long it may be kept from now on. */
  freshness: Freshness;
  playback: PlaybackAccess;
}

/** An error of the owner's: an answer like others, kept as briefly as it says. */
export class UpstreamError extends AppError {
  readonly freshness: Freshness;
  constructor(code: ErrorCode, message: string, freshness: Freshness) {
    super(code, message);
    this.freshness = freshness;
  }
}

export interface UpstreamRequest {
  url: string;
  serviceToken: string;
  /** Our name, and how many viewers of the broadcast we have; left out where the owner need not know. */
  node: string;
  viewers?: number | undefined;
  /** How they fare (Watching.ts); left out: they do not say. */
  watching?: string | undefined;
  signal: AbortSignal;
}

const ErrorBody = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/**
 * Throws UpstreamError for what the owner refuses, and AppError `bad-upstream` (502) when it cannot be reached, breaks off, hangs, or
 * answers as no delivery node does.
 */
export async function askUpstream({
  url,
  serviceToken,
  node,
  viewers,
  watching,
  signal,
}: UpstreamRequest): Promise<UpstreamAnswer> {
  try {
    const response = await fetch(url, {
      redirect: 'error',
      headers: {
        authorization: `Bearer ${serviceToken}`,
        // We compress for our own viewers, once; on the way here it would only cost the owner's time.
        'accept-encoding': 'identity',
        ...(viewers === undefined ? {} : { [EDGE_VIEWERS_HEADER]: `${node};${viewers}` }),
        ...(watching === undefined ? {} : { [EDGE_WATCHING_HEADER]: `${node};${watching}` }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
    });
    const bytes = await bodyOf(response);
    const freshness = freshnessOf(response.headers.get('cache-control'), response.headers.get('age'));
    if (!response.ok) throw errorOf(response.status, bytes, freshness);
    const playback = PlaybackAccess.safeParse(response.headers.get(PLAYBACK_ACCESS_HEADER));
    // Without it the owner took us for anybody: the service token is not one of its secret.
    if (!playback.success) throw new AppError('bad-upstream', 'The owner does not know this node.');
    const [type, etag] = ['content-type', 'etag'].map((name) => response.headers.get(name) ?? '');
    return { bytes, type: type ?? '', etag: etag ?? '', freshness, playback: playback.data };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('bad-upstream', undefined, { cause: error });
  }
}

async function bodyOf(response: Response): Promise<Buffer> {
  if (Number(response.headers.get('content-length') ?? 0) > MAX_BYTES)
    throw new AppError('bad-upstream', 'The owner’s answer is too large.');
  return Buffer.from(await response.arrayBuffer());
}

function errorOf(status: number, bytes: Buffer, freshness: Freshness): AppError {
  const body = ErrorBody.safeParse(parseJson(bytes));
  const code = body.success ? body.data.error.code : '';
  // What it says of our own token, or of its inside, is nothing that a viewer can mend.
  if (!body.success || !isErrorCode(code) || status === 401 || status === 403 || status === 500)
    return new AppError('bad-upstream', undefined, { cause: new Error(`the owner answered ${status} ${code}`) });
  return new UpstreamError(code, body.data.error.message, freshness);
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** What Cache-Control leaves of an answer's life (RFC 9111 section 4.2.1). Without a word it is not kept. */
export function freshnessOf(cacheControl: string | null, age: string | null): Freshness {
  const directives = new Map<string, string | undefined>();
  for (const item of (cacheControl ?? '').toLowerCase().split(',')) {
    const [name = '', value] = item.trim().split('=');
    directives.set(name, value);
  }
  if (directives.has('no-store') || directives.has('private')) return 'never';
  if (directives.has('immutable')) return 'immutable';
  if (directives.has('no-cache')) return 0;
  const maxAge = Number(directives.get('s-maxage') ?? directives.get('max-age') ?? Number.NaN);
  return Number.isFinite(maxAge) ? Math.max(0, maxAge - (Number(age) || 0)) : 'never';
}
