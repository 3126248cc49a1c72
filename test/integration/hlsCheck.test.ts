/**
 * `hls-check` against a real delivery node: whole, no finding; with a fault between them, the finding. Each live rule has its fault.
 * All checks run at the same time, on one broadcast.
 */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkPresentation } from '../../scripts/hlsCheck/checkPresentation.ts';
import { probeHttp2 } from '../../scripts/hlsCheck/live/probeHttp2.ts';
import { Findings, type RuleId } from '../../scripts/hlsCheck/rules/Findings.ts';
import { LIVE_RULES } from '../../scripts/hlsCheck/rules/liveRules.ts';
import { DeliveryStack, TestCompositor, TestController } from '../support/deliveryStack.ts';
import { type Exchange, FaultProxy, type Faults, rewrite } from '../support/hls/FaultProxy.ts';
import { TestClip } from '../support/programParts.ts';

/** Of each check; the dates' drift is told from 9 s on. */
const SECONDS = 13;

const isMedia = (url: string): boolean => /\.(m4s|mp4|vtt)$/.test(url);
const isCaptions = (url: string): boolean => /\.vtt$/.test(url);
const isPlaylist = (url: string): boolean => /\.m3u8/.test(url) && url.split('/').length > 4;
const isMultivariant = (url: string): boolean => /^\/live\/[^/]+\/index\.m3u8/.test(url);
const isVideo = (url: string): boolean => url.includes('/v180/');
const isPart = (url: string): boolean => /\/\d+\.\d+\.m4s$/.test(url);
const isSegment = (url: string): boolean => /\/\d+\.m4s$/.test(url);
const numberOf = (url: string): number => Number(/\/(\d+)[^/]*$/.exec(url)?.[1]);

function spoil(exchange: Exchange, at: number): void {
  const body = Buffer.from(exchange.body);
  const index = at < 0 ? body.length + at : at;
  body[index] = (body[index] ?? 0) ^ 0xff;
  exchange.body = body;
}

/** Where a box of this type has its body; the first one anywhere. */
const bodyOf = (body: Buffer, type: string): number => body.indexOf(type, 0, 'latin1') + 4;

/** The first slice is no IDR picture any more (ISO/IEC 14496-10 table 7-1). */
function noIdr(exchange: Exchange): void {
  const body = Buffer.from(exchange.body);
  for (let at = bodyOf(body, 'mdat'); at + 5 < body.length; at += 4 + body.readUInt32BE(at)) {
    if (((body[at + 4] ?? 0) & 31) !== 5) continue;
    body[at + 4] = ((body[at + 4] ?? 0) & 0xe0) | 1;
    break;
  }
  exchange.body = body;
}

const HEADERS: Faults = {
  answer(exchange) {
    const { url, headers, method } = exchange;
    if (exchange.status >= 400) {
      headers['cache-control'] = 'public, max-age=60';
      return;
    }
    if (isPlaylist(url)) {
      headers['content-type'] = 'text/plain';
      delete headers['content-encoding'];
      headers['cache-control'] = url.includes('?') ? 'no-store' : 'public, max-age=10';
    }
    if (!isMedia(url)) return;
    headers['content-type'] = 'application/octet-stream';
    headers['cache-control'] = 'public, max-age=1';
    delete headers['content-length'];
    delete headers['access-control-allow-origin'];
    if (method === 'HEAD') headers['x-length'] = headers['content-length'] = '7';
    if (exchange.status === 206) exchange.status = 200;
    if (isSegment(url) && numberOf(url) % 3 === 0) Object.assign(exchange, { status: 302, headers: { location: url } });
  },
};

const DIRECTIVES: Faults = {
  ask: (url) => {
    const query = new URL(url, 'http://server').searchParams;
    const [msn, part] = [query.get('_HLS_msn'), query.get('_HLS_part')];
    const wrong = (msn === null && part !== null) || !/^\d+$/.test(msn ?? '0') || !/^\d+$/.test(part ?? '0');
    const far = Number(part) >= 6 || farAhead(Number(msn));
    if (wrong || far) return url.replace(/\?.*/, '');
    return /\/\d{4,}\.m4s$/.test(url) ? url.replace(/\d+\.m4s$/, 'index.m3u8') : url;
  },
  answer(exchange) {
    if (exchange.url.includes('_HLS_skip')) exchange.status = 500;
    if (/_HLS_msn=0\b/.test(exchange.url)) exchange.status = 404;
    if (exchange.method === 'OPTIONS') exchange.status = 0;
  },
};
/** The newest segment that has been seen; what is asked for is one or two beyond it at most. */
let newest = 0;
const farAhead = (msn: number): boolean => msn > newest + 2;

const BYTES: Faults = {
  async answer(exchange) {
    const { url, times, status, method } = exchange;
    if (status !== 200 || method !== 'GET') return;
    const number = numberOf(url);
    if (url.endsWith('.mp4') && times % 2 === 0) spoil(exchange, -1);
    if (isCaptions(url)) exchange.body = captionFault(exchange.body.toString(), number, times);
    if (!isVideo(url)) return;
    if (isSegment(url) && number % 2 === 0) spoil(exchange, -1);
    if (isSegment(url) && number % 2 === 1) noIdr(exchange);
    if (isPart(url)) {
      const part = Number(/\.(\d+)\.m4s$/.exec(url)?.[1]);
      if (times > 1) spoil(exchange, -1);
      if (part === 1) spoil(exchange, bodyOf(exchange.body, 'tfdt') + 11);
      if (part === 4 && number % 6 === 0) exchange.body = Buffer.from('this is no fragment');
      if (part === 4 && number % 6 === 3) exchange.status = 404;
    }
  },
};

/** Of four segments in a row each is wrong in another way; the first of them the second time only. */
function captionFault(text: string, number: number, times: number): Buffer {
  const faults: ((text: string) => string)[] = [
    (whole) => (times > 1 ? `${whole}\nNOTE\n` : whole),
    (whole) => whole.replace('WEBVTT', 'WEBVT'),
    (whole) => whole.replace(/X-TIMESTAMP-MAP.*\n/, ''),
    // An hour later, and no cue of the segment before is in it.
    (whole) => whole.replace('MPEGTS:45000', 'MPEGTS:324045000'),
  ];
  return Buffer.from(faults[number % faults.length]?.(text) ?? text);
}

const TEXTS: Faults = {
  answer(exchange) {
    const { url } = exchange;
    if (exchange.status !== 200) return;
    if (isMultivariant(url))
      rewrite(exchange, (text) =>
        text
          .replace(/CODECS="[^"]*"/, 'CODECS="avc1.640028,mp4a.40.5"')
          .replace('320x180', '640x360')
          .replace('30.000', '25.000')
          .replace('CHANNELS="2"', 'CHANNELS="6"')
          .replace(/BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+/, 'BANDWIDTH=200000,AVERAGE-BANDWIDTH=100000'),
      );
    if (!isPlaylist(url)) return;
    rewrite(exchange, (text) => {
      const said = isVideo(url)
        ? text
            .replaceAll('#EXTINF:2.000', '#EXTINF:1.950')
            .replaceAll('DURATION=0.333333,URI', 'DURATION=0.320000,URI')
            .replaceAll(',INDEPENDENT=YES', '')
            .replace('#EXT-X-MAP', '#EXT-X-BITRATE:10\n#EXT-X-MAP')
        : text.replace(
            /(PROGRAM-DATE-TIME:.*)(\d)(\d\d)Z/g,
            (_all, start, tenths, rest) => `${start}${(Number(tenths) + 1) % 10}${rest}Z`,
          );
      const reported = said.replace(
        /LAST-MSN=(\d+)/,
        (_all, msn) => `LAST-MSN=${Number(msn) + (isVideo(url) ? 5 : -1)}`,
      );
      return url.includes('_HLS_skip') ? reported.replace(/#EXTINF:[\d.]+/, '#EXTINF:1.234') : reported;
    });
  },
};

const startedAt = performance.now();
const DATES: Faults = {
  answer(exchange) {
    if (!isPlaylist(exchange.url) || exchange.status !== 200) return;
    // A tenth of a second more each second, and 10 s ahead from the start.
    const ahead = 10_000 + (performance.now() - startedAt) / 10;
    rewrite(exchange, (text) =>
      text.replace(
        /(PROGRAM-DATE-TIME:)(.*)/g,
        (_all, tag, date) => tag + new Date(Date.parse(date) + ahead).toISOString(),
      ),
    );
  },
};

const LATE: Faults = {
  async answer({ url, times }) {
    const held = isPlaylist(url) && url.includes('_HLS_part') && !url.includes('skip') && times === 1;
    if (held && numberOf(`/${/_HLS_msn=(\d+)/.exec(url)?.[1]}`) > 3)
      await new Promise((resolve) => setTimeout(resolve, 7000));
  },
};

function early(): Faults {
  const listed = new Set<string>();
  return {
    ask: (url) => (isPlaylist(url) ? url.replace(/\?.*/, '') : url),
    async answer(exchange) {
      const { url } = exchange;
      if (isPlaylist(url)) {
        for (const [, name] of exchange.body.toString().matchAll(/#EXT-X-PART:[^\n]*URI="([^"]+)"/g))
          listed.add(url.replace(/[^/]*$/, name ?? ''));
        // Otherwise it would be asked for again at once, and again.
        await new Promise((resolve) => setTimeout(resolve, 100));
      } else if (isPart(url) && !listed.has(url)) Object.assign(exchange, { status: 404, body: Buffer.from('') });
    },
  };
}

const ENDED: Faults = {
  answer(exchange) {
    if (isPlaylist(exchange.url) && exchange.url.includes('?')) exchange.status = 400;
  },
};

/** Each live rule, and who breaks it. */
const BROKEN: Record<string, RuleId[]> = {
  headers: [
    ...(['type-playlist', 'type-media', 'gzip-playlist', 'no-redirect', 'cross-origin', 'cache-media'] as const),
    ...(['cache-playlist', 'cache-error', 'length-media', 'head-same', 'range-media'] as const),
  ],
  directives: [
    ...(['part-alone', 'sequence-ahead', 'part-ahead', 'directive-form', 'unknown-404', 'block-stale'] as const),
    ...(['block-roll', 'delta-answer', 'answer-whole'] as const),
  ],
  bytes: [
    'media-there',
    'media-form',
    'init-stable',
    'parts-join',
    'bytes-stable',
    'decode-time',
    'key-first',
    'vtt-form',
    'vtt-map',
    'vtt-time',
    'vtt-repeat',
  ],
  texts: [
    ...(['extinf-true', 'part-true', 'independent-true', 'date-true', 'codecs-true', 'resolution-true'] as const),
    ...(['frame-rate-true', 'channels-true', 'bandwidth-true', 'average-true', 'bitrate-true', 'report-true'] as const),
    'delta-equal',
  ],
  dates: ['date-drift', 'date-future'],
  late: ['block-bound', 'block-prompt', 'part-cadence', 'segment-cadence'],
  early: ['block-answer', 'hint-held'],
  ended: ['block-ended'],
};
/** Those that have a test of their own: they take longer, or another server. */
const ELSEWHERE: RuleId[] = ['part-kept', 'segment-kept', 'http-2'];

let clip: TestClip;
let stack: DeliveryStack;
let controller: TestController;
let compositor: TestCompositor;
const proxies: FaultProxy[] = [];
const found = new Map<string, RuleId[]>();
let whole: { live: unknown[]; ended: unknown[] };

async function check(faults: Faults, seconds: number) {
  const proxy = await FaultProxy.start(stack.url, faults);
  proxies.push(proxy);
  const { findings } = await checkPresentation({ url: `${proxy.url}/live/${controller.room}/index.m3u8`, seconds });
  return findings;
}

beforeAll(async () => {
  clip = await TestClip.make();
  stack = await DeliveryStack.start();
  controller = await TestController.open(stack, { order: { captions: [{ language: 'en' }, { language: 'fr' }] } });
  await controller.waitFor('opened');
  let said = 0;
  // A line that goes on over several segments, and one after the other.
  const saying = setInterval(() => {
    const start = controller.programMs;
    const line = { language: 'en', text: `a < b, ${said}`, start, end: start + (said % 2 === 0 ? 900 : 30_000) };
    controller.send({ type: 'caption', line: { ...line, id: `t${said++}` } });
  }, 2_600);
  compositor = new TestCompositor(stack, controller, clip);
  await compositor.start(controller.nextSegment);
  await controller.waitFor('part', ({ segment }) => segment >= 2);
  const following = setInterval(() => {
    newest = Math.max(0, ...controller.of('part').map(({ segment }) => segment));
  }, 20);
  const note = (name: string) => async (faults: Faults) => {
    found.set(
      name,
      (await check(faults, SECONDS)).map(({ rule }) => rule),
    );
  };
  const [live] = await Promise.all([
    check({}, SECONDS),
    note('headers')(HEADERS),
    note('directives')(DIRECTIVES),
    note('bytes')(BYTES),
    note('texts')(TEXTS),
    note('dates')(DATES),
    note('late')(LATE),
    note('early')(early()),
  ]);
  clearInterval(following);
  clearInterval(saying);
  await compositor.stop();
  controller.send({ type: 'end' });
  await controller.waitFor('ended');
  const ended = await check({}, 5);
  await note('ended')(ENDED);
  whole = { live, ended };
});

afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
  controller?.drop();
  await stack?.close();
  clip?.close();
});

describe('a whole server', () => {
  test('has no finding while live', () => expect(whole.live).toEqual([]));
  test('has no finding when it has ended', () => expect(whole.ended).toEqual([]));
});

describe('a fault is found', () => {
  test.each(Object.entries(BROKEN).flatMap(([by, rules]) => rules.map((rule) => [rule, by] as const)))(
    '%s',
    (rule, by) => {
      expect(found.get(by)).toContain(rule);
    },
  );

  test('http-2', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lianmai-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'],
      ...['-keyout', key, '-out', cert],
    ]);
    const server = createServer({ key: await readFile(key), cert: await readFile(cert) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const findings = new Findings();
    await probeHttp2(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`, findings.at('server'));
    server.close();
    await rm(folder, { recursive: true, force: true });
    expect(findings.all.map(({ rule }) => rule)).toEqual(['http-2']);
  });

  test('each rule of an answer or of media has its fault', () => {
    const tested = [...Object.values(BROKEN).flat(), ...ELSEWHERE];
    expect(Object.keys(LIVE_RULES).filter((rule) => !tested.includes(rule as RuleId))).toEqual([]);
  });
});
