/**
 * The lines of captions of one broadcast. In: lines from the controller, each with the time that it is meant for. Out: lines in the order of their
 * time, of which one at most is shown in a language at any moment. Next: cues.ts, which makes cues of a segment of them.
 *
 * A segment of captions is listed when the program's is, and never changes from then on: what has been said of a time is committed, and a line that
 * comes later begins after it (cues.ts, `committedMs`).
 */
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { CaptionLine, CaptionTracks } from '../../contracts/captions.ts';
import type { Grid } from '../../contracts/grid.ts';
import { committedMs } from './cues.ts';

/** Of lines that come in a burst each is shown for so long at least, ms. */
const LEAST_SHOWN_MS = 1_000;
/** Lines that would have to wait for longer are left out, the newest of those that nobody has seen first, ms. */
const BACKLOG_MS = 5_000;
/** Of a language: half a day of a line every two seconds. */
const MAX_LINES = 20_000;

interface CaptionEvents {
  /** Added, or its end has changed. */
  line: [line: CaptionLine];
  /** Nobody has seen it, and nobody will. */
  removed: [id: string];
}

export class CaptionBook extends TypedEmitter<CaptionEvents> {
  readonly tracks: CaptionTracks;
  readonly #grid: Grid;
  /** The segment of the program that is being filled; undefined before the first. */
  readonly #head: () => number | undefined;
  readonly #lines = new Map<string, CaptionLine[]>();
  readonly #ids = new Set<string>();

  constructor(grid: Grid, tracks: CaptionTracks, head: () => number | undefined) {
    super();
    this.tracks = tracks;
    this.#grid = grid;
    this.#head = head;
    for (const { language } of tracks) this.#lines.set(language, []);
  }

  /** Of all languages. */
  get all(): CaptionLine[] {
    return [...this.#lines.values()].flat();
  }

  /** Those of a language, in the order of their time; undefined: the broadcast has none in it. */
  of(language: string): readonly CaptionLine[] | undefined {
    return this.#lines.get(language);
  }

  /** False: it is there already, or of no language of the broadcast. */
  add(line: CaptionLine): boolean {
    const lines = this.#lines.get(line.language);
    if (!lines || this.#ids.has(line.id)) return false;
    const wanted = Math.max(line.start, committedMs(this.#grid, this.#head()));
    for (let last = lines.at(-1); last && last.start >= wanted; last = lines.at(-1)) {
      if (last.start + LEAST_SHOWN_MS <= wanted + BACKLOG_MS) break;
      this.#remove(lines, last);
    }
    const last = lines.at(-1);
    const start = Math.max(wanted, last ? last.start + LEAST_SHOWN_MS : 0);
    // It is to be read, however late it comes.
    const end = line.end === null ? null : Math.max(line.end, start + Math.min(LEAST_SHOWN_MS, line.end - line.start));
    if (last && (last.end === null || last.end > start)) this.#change(lines, { ...last, end: start });
    const added = { ...line, start, end };
    lines.push(added);
    this.#ids.add(line.id);
    if (lines.length > MAX_LINES) lines.shift();
    this.emit('line', added);
    return true;
  }

  /** As they were, in another process or on another node. What is here of the same id is not touched. */
  restore(lines: readonly CaptionLine[]): void {
    for (const line of lines) {
      const there = this.#lines.get(line.language);
      if (!there || this.#ids.has(line.id)) continue;
      there.push(line);
      this.#ids.add(line.id);
    }
    for (const each of this.#lines.values()) each.sort((a, b) => a.start - b.start);
  }

  #change(lines: CaptionLine[], line: CaptionLine): void {
    lines[lines.length - 1] = line;
    this.emit('line', line);
  }

  #remove(lines: CaptionLine[], { id }: CaptionLine): void {
    lines.pop();
    this.emit('removed', id);
  }
}
