/**
 * The two kinds of good answers: a text (playlist or JSON) in the coding that the client likes, and media bytes, whole or a range.
 * Both have an entity tag and are `304` to who has them already (RFC 9110 sections 13 and 14).
 */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../contracts/errors.ts';
import { chooseCoding } from './contentCoding.ts';
import { EncodedText } from './EncodedText.ts';

interface Text {
  bytes: Buffer;
  type: string;
  cacheControl: string;
}

interface Media {
  bytes: Buffer;
  type: string;
  /** With its quotes; strong. */
  etag: string;
  cacheControl: string;
}

export function sendText(request: FastifyRequest, reply: FastifyReply, answer: Text): FastifyReply {
  const text = EncodedText.of(answer.bytes);
  const coding = chooseCoding(request.headers['accept-encoding']);
  const etag = text.etag(coding);
  reply.header('cache-control', answer.cacheControl).header('vary', 'accept-encoding').header('etag', etag);
  if (isKnown(request, etag)) return reply.code(304).send();
  if (coding !== 'identity') reply.header('content-encoding', coding);
  return reply.header('content-type', answer.type).send(text.body(coding));
}

interface Stream extends Omit<Media, 'bytes'> {
  length: number;
  /** The whole of it, or the range: both ends are part of it. */
  open(range: { start: number; end: number } | undefined): Promise<Readable>;
}

/** As `sendMedia`, of what is not in memory; what is not asked for is not read. */
export async function sendStream(request: FastifyRequest, reply: FastifyReply, answer: Stream): Promise<FastifyReply> {
  const { length, etag } = answer;
  reply.header('cache-control', answer.cacheControl).header('accept-ranges', 'bytes').header('etag', etag);
  if (isKnown(request, etag)) return reply.code(304).send();
  const range = wantedRange(request, etag, length);
  if (range === 'none') {
    reply.header('content-range', `bytes */${length}`);
    throw new AppError('no-such-range');
  }
  reply.header('content-type', answer.type);
  if (range) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${length}`);
  reply.header('content-length', range ? range.end - range.start + 1 : length);
  // An empty stream leaves the length as it was said.
  return reply.send(request.method === 'HEAD' ? Readable.from([]) : await answer.open(range ?? undefined));
}

/** One range at most; several are answered with everything, which is allowed. */
export function sendMedia(request: FastifyRequest, reply: FastifyReply, answer: Media): FastifyReply {
  const { bytes, etag } = answer;
  reply.header('cache-control', answer.cacheControl).header('accept-ranges', 'bytes').header('etag', etag);
  if (isKnown(request, etag)) return reply.code(304).send();
  const range = wantedRange(request, etag, bytes.length);
  if (range === null) return reply.header('content-type', answer.type).send(bytes);
  if (range === 'none') {
    reply.header('content-range', `bytes */${bytes.length}`);
    throw new AppError('no-such-range');
  }
  return reply
    .code(206)
    .header('content-type', answer.type)
    .header('content-range', `bytes ${range.start}-${range.end}/${bytes.length}`)
    .send(bytes.subarray(range.start, range.end + 1));
}

/** If-None-Match names what we would send; compared weakly (RFC 9110 section 13.1.2). */
function isKnown(request: FastifyRequest, etag: string): boolean {
  const header = request.headers['if-none-match'];
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

/** null: everything. `none`: there is nothing in that range. */
function wantedRange(
  { method, headers }: FastifyRequest,
  etag: string,
  length: number,
): { start: number; end: number } | 'none' | null {
  // Only GET has ranges; and who has another version than ours gets everything (RFC 9110 sections 14.2 and 13.1.5).
  if (headers.range === undefined || method !== 'GET') return null;
  if (headers['if-range'] !== undefined && headers['if-range'] !== etag) return null;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.range.replaceAll(' ', ''));
  const [, first = '', last = ''] = match ?? [];
  if (!match || (first === '' && last === '')) return null;
  if (first === '')
    return last === '0' || length === 0 ? 'none' : { start: Math.max(0, length - Number(last)), end: length - 1 };
  const [start, end] = [Number(first), last === '' ? length - 1 : Math.min(Number(last), length - 1)];
  return start >= length || start > end ? 'none' : { start, end };
}
