import type { SharedOffset } from '../media/Timeline.ts';
import type { Findings, Report } from '../rules/Findings.ts';
import { type Answer, type AskOptions, type HttpClient, maxAgeOf } from './HttpClient.ts';
import type { PositionBoard } from './PositionBoard.ts';

/** What all parts of one live check share. */
export interface Context {
  client: HttpClient;
  findings: Findings;
  board: PositionBoard;
  /** Dates against decode times, of all renditions. */
  offset: SharedOffset;
  /** Aborted when the time is over. */
  over: AbortSignal;
}

const REDIRECT = /^30[12378]$/;

/** No answer: status 0. */
function nothing(url: string): Answer {
  const now = performance.now();
  const none = Buffer.alloc(0);
  return { url, status: 0, headers: {}, raw: none, body: none, sentAt: now, firstByteAt: now, endAt: now };
}

/** Asks, and checks what holds for every answer. Status 0: there was none. */
export async function ask(context: Context, url: string, report: Report, options: AskOptions = {}): Promise<Answer> {
  // Its own origin: a server without a secret lets in no other.
  const headers = { origin: new URL(url).origin, ...options.headers };
  const answer = await context.client.ask(url, { ...options, headers }).catch((error: Error) => {
    report('answer-whole', `${url}: ${error.message}`);
    return nothing(url);
  });
  if (answer.status === 0) return answer;
  const allowed = answer.headers['access-control-allow-origin'];
  if (allowed !== '*' && allowed !== headers.origin) report('cross-origin', `${url}: ${allowed ?? 'none'}`);
  if (REDIRECT.test(String(answer.status))) report('no-redirect', `${url}: ${answer.status}`);
  if (answer.status >= 400) {
    const age = maxAgeOf(answer);
    if (age === null || age > 1) report('cache-error', `${url}: ${answer.status}, max-age ${age ?? 'not given'}`);
  }
  return answer;
}

/** A part or segment, checked for what media answers have to have. null: it is not there. */
export async function askMedia(context: Context, url: string, report: Report, kept: number): Promise<Answer | null> {
  const answer = await ask(context, url, report);
  if (answer.status !== 200) return null;
  const { headers, raw } = answer;
  const wanted = /\.vtt(\?|$)/.test(url) ? /^text\/vtt(;|$)/ : /^(video\/mp4|audio\/mp4|video\/iso\.segment)$/;
  if (!wanted.test(headers['content-type'] ?? '')) report('type-media', `${url}: ${headers['content-type'] ?? 'none'}`);
  const age = maxAgeOf(answer);
  if (age === null || age < kept) report('cache-media', `${url}: max-age ${age ?? 'not given'}, ${kept} s are needed`);
  if (Number(headers['content-length'] ?? Number.NaN) !== raw.length)
    report('length-media', `${url}: ${headers['content-length'] ?? 'none'}, ${raw.length} bytes came`);
  return answer;
}
