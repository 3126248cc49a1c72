/** Single questions to a server about one media playlist: directives that are wrong, old or early, headers, ranges. */
import { parsePlaylist } from '../parse/parsePlaylist.ts';
import { type MediaPlaylist, wholeSegments } from '../parse/playlist.ts';
import type { Report, RuleId } from '../rules/Findings.ts';
import { ask, type Context } from './Context.ts';
import { reaches } from './Follower.ts';
import { type Answer, maxAgeOf } from './HttpClient.ts';

export interface Probed {
  url: string;
  report: Report;
  /** The newest version. */
  playlist: () => MediaPlaylist;
}

/** No player can mean a part so far ahead. */
const FAR_PARTS = 1000;
/** What is there is answered at once, busy machine and all, ms. */
const AT_ONCE_MS = 1000;
/** Bytes of the range that is asked for. */
const RANGE_BYTES = 100;

export async function probe(context: Context, probed: Probed): Promise<void> {
  const blocking = probed.playlist().control?.attributes.has('CAN-BLOCK-RELOAD') ?? false;
  const { partTarget, target, ended } = probed.playlist();
  await probePlaylist(context, probed, ended ? Number.POSITIVE_INFINITY : (partTarget ?? target / 2));
  if (probed.playlist().ended) await probeEnded(context, probed);
  else if (blocking) {
    await probeRefusals(context, probed);
    await probeStale(context, probed);
    await probeRoll(context, probed);
  }
  await probeMedia(context, probed);
}

async function expectStatus(
  context: Context,
  { url, report }: Probed,
  query: string,
  rule: RuleId,
  status: number,
): Promise<void> {
  const answer = await ask(context, `${url}?${query}`, report);
  if (answer.status !== status) report(rule, `${query}: ${answer.status}`);
}

async function probeRefusals(context: Context, probed: Probed): Promise<void> {
  const { url, report } = probed;
  const last = probed.playlist().segments.at(-1)?.msn ?? 0;
  await expectStatus(context, probed, '_HLS_part=0', 'part-alone', 400);
  // While this is asked, the open segment may become whole.
  await expectStatus(context, probed, `_HLS_msn=${last + 4}`, 'sequence-ahead', 400);
  await expectStatus(context, probed, `_HLS_msn=${last + 4}&_HLS_part=0`, 'sequence-ahead', 400);
  if (probed.playlist().partTarget !== null)
    await expectStatus(context, probed, `_HLS_msn=${last}&_HLS_part=${FAR_PARTS}`, 'part-ahead', 400);
  for (const query of ['_HLS_msn=abc', '_HLS_msn=-1', '_HLS_msn=', `_HLS_msn=${last}&_HLS_part=x`])
    await expectStatus(context, probed, query, 'directive-form', 400);
  const whole = wholeSegments(probed.playlist()).at(-1);
  if (!whole) return;
  const future = whole.uri.replace(/\d+(?=\D*\.\w+$)/, (number) => String(Number(number) + FAR_PARTS));
  const answer = await ask(context, new URL(future, url).href, report);
  if (answer.status !== 404) report('unknown-404', `${future}: ${answer.status}`);
}

async function probeStale(context: Context, { url, report, playlist }: Probed): Promise<void> {
  const { sequence, partTarget } = playlist();
  // One without parts lists nothing before its first segment is whole: then nothing is old.
  if (partTarget === null && wholeSegments(playlist()).length === 0) return;
  for (const msn of new Set([0, sequence])) {
    const query = partTarget === null ? `_HLS_msn=${msn}` : `_HLS_msn=${msn}&_HLS_part=0`;
    const answer = await ask(context, `${url}?${query}`, report);
    const heldMs = answer.firstByteAt - answer.sentAt;
    const given = answer.status === 200 ? parsePlaylist(answer.body, report) : null;
    if (given?.kind !== 'media' || given.sequence < sequence || given.segments.length === 0)
      report('block-stale', `${query}: ${answer.status}`);
    else if (heldMs > AT_ONCE_MS) report('block-stale', `${query}: held for ${heldMs.toFixed(0)} ms`);
  }
}

async function probeRoll(context: Context, { url, report, playlist }: Probed): Promise<void> {
  const open = playlist().segments.findLast(({ uri, parts }) => uri === null && parts.length > 0);
  const whole = playlist().segments.findLast(({ uri, parts, gap }) => uri !== null && parts.length > 0 && !gap);
  if (!open || !whole) return;
  const query = `_HLS_msn=${open.msn}&_HLS_part=${whole.parts.length}`;
  const answer = await ask(context, `${url}?${query}`, report);
  const given = answer.status === 200 ? parsePlaylist(answer.body, report) : null;
  if (answer.status === 503) return; // The program was held up, which `part-cadence` judges.
  if (given?.kind !== 'media' || (!given.ended && !reaches(given, { msn: open.msn + 1, part: 0 })))
    report('block-roll', `${query}: ${answer.status}, without the first part of ${open.msn + 1}`);
}

async function probeEnded(context: Context, { url, report }: Probed): Promise<void> {
  for (const query of ['_HLS_msn=1000000', '_HLS_msn=1000000&_HLS_part=3', '_HLS_skip=YES']) {
    const answer = await ask(context, `${url}?${query}`, report);
    const given = answer.status === 200 ? parsePlaylist(answer.body, report) : null;
    if (given?.kind !== 'media' || given.skipped !== null) report('block-ended', `${query}: ${answer.status}`);
  }
}

/** The answer without directives: its headers, and what becomes of it with gzip and HEAD. `keptSeconds`: how long it may be kept. */
export async function probePlaylist(
  context: Context,
  { url, report }: Pick<Probed, 'url' | 'report'>,
  keptSeconds: number,
): Promise<void> {
  const plain = await ask(context, url, report, { headers: { 'accept-encoding': 'identity' } });
  const type = plain.headers['content-type']?.replace(/\s*;.*$/, '').toLowerCase();
  if (type !== 'application/vnd.apple.mpegurl') report('type-playlist', `${type ?? 'none'}`);
  const zipped = await ask(context, url, report, { headers: { 'accept-encoding': 'gzip' } });
  if (zipped.headers['content-encoding'] !== 'gzip')
    report('gzip-playlist', zipped.headers['content-encoding'] ?? 'none');
  if (!/\baccept-encoding\b/i.test(zipped.headers.vary ?? '')) report('gzip-playlist', 'no Vary: Accept-Encoding');
  if (plain.headers['content-encoding'] !== undefined) report('gzip-playlist', 'unasked');
  if (!zipped.body.toString().startsWith('#EXTM3U')) report('gzip-playlist', 'another text');
  const age = maxAgeOf(plain);
  if (age === null || age > keptSeconds) report('cache-playlist', `without directives: max-age ${age ?? 'not given'}`);
  await probeHead(context, url, report, plain, ['content-type', 'cache-control', 'access-control-allow-origin']);
}

async function probeHead(context: Context, url: string, report: Report, get: Answer, names: string[]): Promise<void> {
  const head = await ask(context, url, report, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } });
  if (head.status !== get.status) report('head-same', `${url}: ${head.status}, not ${get.status}`);
  if (head.raw.length > 0) report('head-same', `${url}: a body`);
  for (const name of names)
    if (head.headers[name] !== get.headers[name])
      report('head-same', `${url}: ${name} ${head.headers[name] ?? 'none'}, not ${get.headers[name] ?? 'none'}`);
}

async function probeMedia(context: Context, { url, report, playlist }: Probed): Promise<void> {
  const whole = wholeSegments(playlist()).findLast(({ gap }) => !gap);
  if (!whole) return;
  const part = whole.parts.find(({ gap }) => !gap);
  for (const uri of [whole.uri, part?.uri, whole.map].filter((u) => typeof u === 'string')) {
    const media = new URL(uri, url).href;
    const get = await ask(context, media, report);
    if (get.status !== 200) continue; // `media-there` tells.
    await probeHead(context, media, report, get, ['content-type', 'content-length', 'cache-control']);
    await probeRanges(context, media, report, get.body);
  }
  const preflight = await ask(context, new URL(whole.uri, url).href, report, {
    method: 'OPTIONS',
    headers: { 'access-control-request-method': 'GET', 'access-control-request-headers': 'range' },
  });
  if (preflight.status >= 300 || !/\brange\b|\*/i.test(preflight.headers['access-control-allow-headers'] ?? ''))
    report('cross-origin', `OPTIONS is answered with ${preflight.status}, and does not allow Range`);
}

async function probeRanges(context: Context, url: string, report: Report, bytes: Buffer): Promise<void> {
  // Captions of a moment in which nothing is said are shorter.
  const some = Math.min(RANGE_BYTES, Math.floor(bytes.length / 2));
  const ranges: [string, Buffer][] = [
    [`bytes=0-${some - 1}`, bytes.subarray(0, some)],
    [`bytes=${some}-`, bytes.subarray(some)],
    [`bytes=-${some}`, bytes.subarray(-some)],
  ];
  for (const [range, expected] of ranges) {
    const answer = await ask(context, url, report, { headers: { range } });
    const right = answer.status === 206 && answer.headers['content-range']?.endsWith(`/${bytes.length}`);
    if (!right || !answer.raw.equals(expected)) report('range-media', `${url}, ${range}: ${answer.status}`);
  }
  const beyond = await ask(context, url, report, { headers: { range: `bytes=${bytes.length}-` } });
  if (beyond.status !== 416) report('range-media', `${url}, beyond the end: ${beyond.status}`);
}
