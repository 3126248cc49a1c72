import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Rendition {
  name: string;
  init: Buffer | undefined;
  initUris: Set<string>;
  segments: Map<number, Buffer | null>;
  mediaSequences: number[];
  ended: boolean;
}

/**
 * Follows a live program as a plain HLS player does: reads the media playlists again and again, fetches every segment once,
 * and keeps what a checker asks for: init segments, media sequence numbers, gaps.
 */
export class HlsRecorder {
  readonly #multivariant: string;
  readonly renditions = new Map<string, Rendition>();
  #running = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(multivariantUrl: string) {
    this.#multivariant = multivariantUrl;
  }

  async start(): Promise<void> {
    const text = await getText(this.#multivariant);
    const uris = [...text.matchAll(/URI="([^"]+\.m3u8)"/g)]
      .map((m) => m[1] ?? '')
      .concat(text.split('\n').filter((l) => l.endsWith('.m3u8') && !l.startsWith('#')));
    for (const uri of uris) {
      const url = new URL(uri, this.#multivariant).href;
      const name = url.split('/').at(-2) ?? '';
      this.renditions.set(url, {
        name,
        init: undefined,
        initUris: new Set(),
        segments: new Map(),
        mediaSequences: [],
        ended: false,
      });
    }
    this.#running = true;
    this.#loop = this.#follow();
  }

  async #follow(): Promise<void> {
    while (this.#running) {
      for (const [url, rendition] of this.renditions) await readPlaylist(url, rendition);
      if ([...this.renditions.values()].every((r) => r.ended)) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** Resolves when every playlist has its EXT-X-ENDLIST. */
  async untilEnded(): Promise<void> {
    await this.#loop;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  rendition(name: string): Rendition {
    const found = [...this.renditions.values()].find((r) => r.name === name);
    if (!found) throw new Error(`no rendition ${name}`);
    return found;
  }

  /** Writes init and segments of one rendition, gaps left out, into a file; the numbers of its segments. */
  async write(name: string, folder: string): Promise<{ file: string; segments: number[]; gaps: number[] }> {
    const { init, segments } = this.rendition(name);
    if (!init) throw new Error(`no init segment of ${name}`);
    const numbers = [...segments.keys()].sort((a, b) => a - b);
    const there = numbers.filter((n) => segments.get(n));
    const file = join(folder, `${name}.mp4`);
    await writeFile(file, Buffer.concat([init, ...there.map((n) => segments.get(n) ?? Buffer.alloc(0))]));
    return { file, segments: there, gaps: numbers.filter((n) => segments.get(n) === null) };
  }
}

async function getText(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.text();
}

async function getBytes(url: string): Promise<Buffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

async function readPlaylist(url: string, rendition: Rendition): Promise<void> {
  const text = await getText(url);
  const first = Number(text.match(/#EXT-X-MEDIA-SEQUENCE:(\d+)/)?.[1] ?? 0);
  rendition.mediaSequences.push(first);
  for (const [, map] of text.matchAll(/#EXT-X-MAP:URI="([^"]+)"/g)) {
    if (!map || rendition.initUris.has(map)) continue;
    rendition.initUris.add(map);
    rendition.init ??= await getBytes(new URL(map, url).href);
  }
  let number = first;
  let gap = false;
  for (const line of text.split('\n')) {
    if (line === '#EXT-X-GAP') gap = true;
    if (line.startsWith('#') || line.trim() === '') continue;
    if (!rendition.segments.has(number))
      rendition.segments.set(number, gap ? null : await getBytes(new URL(line, url).href));
    number++;
    gap = false;
  }
  rendition.ended = text.includes('#EXT-X-ENDLIST');
}
