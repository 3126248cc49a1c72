import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { partsPerSegment } from '../../src/contracts/grid.ts';
import { decodeMedia } from '../support/decodeMedia.ts';
import { answerOf, openProgram, openRoom, putParts, textOf } from '../support/deliveryRooms.ts';
import { DeliveryStack, TestCompositor } from '../support/deliveryStack.ts';
import { type HeldPlaylist, meaningOf, readPlaylist, skippedIn } from '../support/mergedPlaylist.ts';
import { AUDIO, GRID, ProgramRun, TestClip, VIDEO } from '../support/programParts.ts';

const PARTS = partsPerSegment(GRID);
let clip: TestClip;
let stack: DeliveryStack;
beforeAll(async () => {
  clip = await TestClip.make();
  stack = await DeliveryStack.start();
});
afterAll(async () => {
  await stack.close();
  clip.close();
});

const bytesOf = async (url: string): Promise<Buffer> => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} was answered ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
};

describe('multivariant playlist', () => {
  test('bandwidths are what was asked for until a segment is whole, and what was measured from then on', async () => {
    const { base, room, compositor } = await openProgram(stack, clip, 3);
    const read = async (): Promise<{ peak: number; mean: number }> => {
      const text = await textOf(`${stack.url}/live/${room}/index.m3u8`);
      const [, peak, mean] = /:BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+),/.exec(text) ?? [];
      return { peak: Number(peak), mean: Number(mean) };
    };
    expect(await read()).toEqual({ peak: 556_800, mean: 464_000 });
    await putParts(compositor, clip, 0, 3 * PARTS);
    const rates = await Promise.all(
      [VIDEO, AUDIO].map(async (rendition) => {
        const sizes = await Promise.all(
          [0, 1, 2].map(async (k) => (await bytesOf(`${base}/${rendition}/${k}.m4s`)).length),
        );
        const lengths = [...(await textOf(`${base}/${rendition}/index.m3u8`)).matchAll(/#EXTINF:([\d.]+)/g)].map((m) =>
          Number(m[1]),
        );
        const each = sizes.map((size, i) => (size * 8) / (lengths[i] ?? 0));
        const total = (sizes.reduce((a, b) => a + b) * 8) / lengths.reduce((a, b) => a + b);
        return { peak: Math.max(...each), mean: total };
      }),
    );
    const measured = await read();
    expect(measured.mean).toBeCloseTo(
      rates.reduce((sum, r) => sum + r.mean, 0),
      -2,
    );
    expect(measured.peak).toBeGreaterThanOrEqual(Math.floor(rates.reduce((sum, r) => sum + r.peak, 0)));
    expect(measured.peak).toBeGreaterThanOrEqual(measured.mean);
  });
});

describe('delta updates', () => {
  test('merged with what a player has, each says what the whole playlist says', async () => {
    const { base, compositor } = await openProgram(stack, clip, 20 * PARTS - 2);
    for (const rendition of [VIDEO, AUDIO]) {
      const url = `${base}/${rendition}/index.m3u8`;
      expect(skippedIn(await textOf(`${url}?_HLS_skip=YES`))).toBeGreaterThanOrEqual(8);
      expect(await textOf(`${url}?_HLS_skip=v2`)).toBe(await textOf(`${url}?_HLS_skip=YES`));
      expect(skippedIn(await textOf(`${url}?_HLS_skip=NO`))).toBe(0);
    }
    const held = new Map<string, HeldPlaylist>();
    for (const rendition of [VIDEO, AUDIO])
      held.set(rendition, readPlaylist(await textOf(`${base}/${rendition}/index.m3u8`)));
    // Across two segment boundaries, part by part, as a player that blocks does it.
    for (let position = 20 * PARTS - 2; position < 22 * PARTS + 1; position++) {
      const query = `_HLS_msn=${Math.floor(position / PARTS)}&_HLS_part=${position % PARTS}`;
      const asked = [VIDEO, AUDIO].map((rendition) => {
        const url = `${base}/${rendition}/index.m3u8?${query}`;
        return { rendition, whole: textOf(url), delta: textOf(`${url}&_HLS_skip=YES`) };
      });
      await putPosition(compositor, position);
      for (const { rendition, whole, delta } of asked) {
        expect(skippedIn(await delta)).toBeGreaterThan(0);
        expect((await delta).length).toBeLessThan((await whole).length);
        const merged = readPlaylist(await delta, held.get(rendition));
        expect(meaningOf(merged)).toEqual(meaningOf(readPlaylist(await whole)));
        held.set(rendition, merged);
      }
    }
  });

  test('a player whose own playlist is too old to merge gets the whole; so does who asks when there is nothing to skip', async () => {
    const { base } = await openProgram(stack, clip, 20 * PARTS);
    const url = `${base}/${VIDEO}/index.m3u8`;
    // Listed are 5 to 19; 12 s before the end of 19 is the beginning of 14.
    expect(skippedIn(await textOf(`${url}?_HLS_skip=YES`))).toBe(9);
    expect(skippedIn(await textOf(`${url}?_HLS_msn=14&_HLS_part=0&_HLS_skip=YES`))).toBe(9);
    expect(await textOf(`${url}?_HLS_msn=13&_HLS_part=5&_HLS_skip=YES`)).toBe(await textOf(url));
    expect(await textOf(`${url}?_HLS_msn=2&_HLS_skip=YES`)).toBe(await textOf(url));
    const short = await openProgram(stack, clip, 6 * PARTS);
    const text = await textOf(`${short.base}/${VIDEO}/index.m3u8?_HLS_skip=YES`);
    expect(skippedIn(text)).toBe(0);
    expect(text).toContain('#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-MAP');
  });

  test('a playlist that has ended is whole and is not waited for', async () => {
    const { base, controller } = await openProgram(stack, clip, 10 * PARTS);
    controller.send({ type: 'end' });
    await controller.waitFor('ended');
    for (const query of ['_HLS_skip=YES', '_HLS_msn=99&_HLS_part=3&_HLS_skip=YES', '_HLS_msn=4']) {
      const text = await textOf(`${base}/${VIDEO}/index.m3u8?${query}`);
      expect(skippedIn(text)).toBe(0);
      expect(text).toContain('#EXT-X-ENDLIST');
    }
  });

  test('one rendering of the whole and one of the delta serve all who wait', async () => {
    const { base, compositor } = await openProgram(stack, clip, 12 * PARTS);
    const url = `${base}/${VIDEO}/index.m3u8?_HLS_msn=12&_HLS_part=0`;
    const tags = Array.from({ length: 100 }, (_, i) => fetch(i % 2 ? url : `${url}&_HLS_skip=YES`));
    await putPosition(compositor, 12 * PARTS);
    const seen = (await Promise.all(tags)).map((answer) => answer.headers.get('etag'));
    expect(new Set(seen.filter((_, i) => i % 2)).size).toBe(1);
    expect(new Set(seen.filter((_, i) => !(i % 2))).size).toBe(1);
    expect(new Set(seen).size).toBe(2);
  });
});

describe('blocking', () => {
  // Segments 0 and 1 are whole, 2 has two parts: the last part is 2.1, position 13. The advance part limit is 3 s / 0.34134 s = 8.8.
  test.each([
    ['_HLS_msn=4', 400, 'more than two behind the last whole segment'],
    ['_HLS_msn=4&_HLS_part=0', 400, 'the same, with a part'],
    ['_HLS_msn=3&_HLS_part=5', 400, '3.5 is ten parts behind 2.1'],
    ['_HLS_msn=3&_HLS_part=4', 400, '3.4 is nine'],
    ['_HLS_msn=2&_HLS_part=10', 400, 'part ten of segment 2 would be nine behind its part 1'],
    ['_HLS_msn=1&_HLS_part=100', 400, 'no segment has so many'],
    ['_HLS_part=1', 400, 'a part of nothing'],
    ['_HLS_part=1&_HLS_skip=YES', 400, 'a part of nothing'],
    ['_HLS_msn=1&_HLS_part=5', 200, 'is there'],
    ['_HLS_msn=0', 200, 'stale'],
    ['_HLS_msn=0&_HLS_part=3&_HLS_skip=YES', 200, 'stale'],
    ['_HLS_msn=1&_HLS_part=6', 200, 'the first part of segment 2'],
    ['_HLS_msn=2&_HLS_part=1', 200, 'the last part there is'],
  ])('?%s is answered %i at once: %s', async (query, status) => {
    const { base } = await openProgram(stack, clip, 2 * PARTS + 2);
    const answer = await fetch(`${base}/${VIDEO}/index.m3u8?${query}`);
    expect(answer.status).toBe(status);
    if (status === 200) expect(await answer.text()).toContain('PRELOAD-HINT:TYPE=PART,URI="2.2.m4s"');
    else expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('bad-request');
  });

  test('within the limits it is held until the part is there: to the last part that may be asked for', async () => {
    const { base, compositor } = await openProgram(stack, clip, 2 * PARTS + 2);
    const url = `${base}/${AUDIO}/index.m3u8`;
    const furthest = textOf(`${url}?_HLS_msn=3&_HLS_part=3`);
    const segment = textOf(`${url}?_HLS_msn=3`);
    // A part behind a segment's last is the next segment's first.
    const beyond = textOf(`${url}?_HLS_msn=2&_HLS_part=9`);
    const done: string[] = [];
    for (const [name, text] of Object.entries({ furthest, segment, beyond })) void text.then(() => done.push(name));
    const order: string[][] = [];
    for (let position = 2 * PARTS + 2; position < 4 * PARTS; position++) {
      await putPosition(compositor, position);
      if (position === 3 * PARTS) await beyond;
      if (position === 3 * PARTS + 3) await furthest;
      order.push([...done]);
    }
    await segment;
    expect(order[3]).toEqual([]);
    expect(order[4]).toEqual(['beyond']);
    expect(order[7]).toEqual(['beyond', 'furthest']);
    expect(await beyond).toContain('URI="3.1.m4s"\n#EXT-X-RENDITION-REPORT');
    expect(await furthest).toContain('PRELOAD-HINT:TYPE=PART,URI="3.4.m4s"');
    expect(await segment).toContain('\n3.m4s\n');
  });

  test('held for three target durations and no longer: 503, and nothing that a cache would keep', async () => {
    const { base } = await openProgram(stack, clip, 2 * PARTS);
    const [playlist, hinted] = await Promise.all([
      fetch(`${base}/${VIDEO}/index.m3u8?_HLS_msn=2&_HLS_part=0`),
      fetch(`${base}/${VIDEO}/2.0.m4s`),
    ]);
    expect(playlist.status).toBe(503);
    expect(playlist.headers.get('cache-control')).toBe('no-store');
    expect(hinted.status).toBe(404);
    expect(hinted.headers.get('cache-control')).toBe('no-store');
  });
});

describe('nothing arrives', () => {
  test('gap, then slate, then the program again: real segments and parts under one list, and media that decode', async () => {
    const { controller, base } = await openRoom(stack);
    const first = new TestCompositor(stack, controller, clip, 1);
    const from = controller.nextSegment;
    first.filter = (segment, part) => segment === from || (segment === from + 1 && part < 3);
    await first.start(from);
    const player = new Player(`${base}/${VIDEO}/index.m3u8`);
    await controller.waitFor('part', (p) => p.segment === from + 1 && p.part === 2);
    await first.stop();
    // Segments from + 1 to + 3 are lost; slate from + 4 on.
    await player.until((held) => held.segments.at(-1)!.number >= from + 6);
    expect(controller.of('gap').map((g) => g.segment)).toEqual([from + 1, from + 2, from + 3]);
    expect(controller.of('part').at(-1)).toMatchObject({ segment: from + 1, part: 2 });
    // Delivery does not stop saying that nothing comes.
    expect(controller.of('late').at(-1)!.segment).toBeGreaterThanOrEqual(from + 4);
    const second = new TestCompositor(stack, controller, clip, 2);
    const resumed = controller.nextSegment;
    await second.start(resumed);
    await controller.waitFor('part', (p) => p.segment === resumed + 1);
    await player.until((held) => held.segments.at(-1)!.number >= resumed + 1);
    await second.stop();
    expect(controller.of('gap')).toHaveLength(3);
    expect(player.sequences).toEqual([...player.sequences].sort((a, b) => a - b));
    for (const rendition of [VIDEO, AUDIO]) {
      const text = await textOf(`${base}/${rendition}/index.m3u8`);
      expect(text).not.toContain('DISCONTINUITY');
      const { segments } = readPlaylist(text);
      const gaps = segments.filter((s) => s.lines.includes('#EXT-X-GAP')).map((s) => s.number);
      expect(gaps).toEqual([from + 1, from + 2, from + 3]);
      for (const gap of gaps) expect(await answerOf(fetch(`${base}/${rendition}/${gap}.m4s`))).toBe('404 not-found');
      // All that is listed between the gap and the end is there, decodes, and has every frame once, from slate into program.
      const numbers = Array.from({ length: resumed - from - 3 }, (_, i) => from + 4 + i);
      const kind = rendition === VIDEO ? 'video' : 'audio';
      const parts = numbers.map((k) => bytesOf(`${base}/${rendition}/${k}.m4s`));
      const { times, complaints } = await decodeMedia(Buffer.concat([clip.inits[kind], ...(await Promise.all(parts))]));
      expect(complaints).toBe('');
      const step = kind === 'video' ? 1 / GRID.fps : 1024 / GRID.sampleRate;
      for (const [i, time] of times.entries()) expect(time - (times[0] ?? 0)).toBeCloseTo(i * step, 3);
      expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(numbers.length * 2 - 0.1);
    }
    // What the player saw on its way, part by part, is what it would have got as a whole.
    expect(player.parts.filter((p) => p.startsWith(`${from + 4}.`))).toHaveLength(PARTS);
    expect(player.gapParts).toContain(`${from + 1}.3`);
    expect(player.gapParts).not.toContain(`${from + 1}.2`);
  });
});

async function putPosition(compositor: TestCompositor, position: number): Promise<void> {
  const segment = Math.floor(position / PARTS);
  const run = new ProgramRun(clip, segment);
  let next = run.next();
  while (next.part < position % PARTS) next = run.next();
  run.close();
  for (const [rendition, bytes] of [
    [AUDIO, next.audio],
    [VIDEO, next.video],
  ] as const) {
    const answer = await compositor.put(`${rendition}/${segment}/${next.part}`, bytes);
    if (answer.status !== 204) throw new Error(`PUT was answered ${answer.status}`);
  }
}

/** Blocks on each part in turn, asks for delta updates, and merges them. */
class Player {
  readonly sequences: number[] = [];
  /** Parts that were listed at any time, and those of them that were said not to be there. */
  readonly parts: string[] = [];
  readonly gapParts: string[] = [];
  readonly #url: string;
  #held: HeldPlaylist | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async until(done: (held: HeldPlaylist) => boolean): Promise<void> {
    while (!this.#held || !done(this.#held)) await this.#next();
  }

  async #next(): Promise<void> {
    const last = this.#held?.segments.at(-1);
    const open = last?.lines.every((l) => l.startsWith('#'));
    const parts = last?.lines.filter((l) => l.startsWith('#EXT-X-PART')).length ?? 0;
    const query = !last
      ? ''
      : open
        ? `?_HLS_msn=${last.number}&_HLS_part=${parts}`
        : `?_HLS_msn=${last.number + 1}&_HLS_part=0`;
    const answer = await fetch(`${this.#url}${query}${query && '&_HLS_skip=YES'}`);
    // Not playable yet, or held for too long: a player asks again.
    if (answer.status === 503 || answer.status === 404) return;
    expect(answer.status).toBe(200);
    const text = await answer.text();
    this.#held = readPlaylist(text, this.#held);
    this.sequences.push(this.#held.segments[0]?.number ?? 0);
    for (const [, uri = '', more = ''] of text.matchAll(/#EXT-X-PART:DURATION=[\d.]+,URI="([\d.]+)\.m4s"(.*)/g)) {
      if (!this.parts.includes(uri)) this.parts.push(uri);
      if (more.includes('GAP=YES') && !this.gapParts.includes(uri)) this.gapParts.push(uri);
    }
  }
}
