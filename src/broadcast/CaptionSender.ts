/**
 * Lines of captions on their way to delivery. In: what was typed or posted, by the wall clock. Out: lines in program time, to whichever delivery node
 * has the broadcast. What delivery can not have heard, since its connection was lost or the broadcast moved, is said again: it knows lines by their ids.
 */
import type { Clock } from '../common/clock.ts';
import { newId } from '../common/ids.ts';
import {
  CAPTION_AT,
  type CaptionAnswer,
  type CaptionInput,
  type CaptionLine,
  type CaptionTracks,
  readingMs,
} from '../contracts/captions.ts';
import { AppError } from '../contracts/errors.ts';
import type { Program } from './jobs.ts';

/** A line that is older by the time that delivery is back is of no use to anybody, ms. */
const SAID_AGAIN_MS = 30_000;

interface Said {
  line: CaptionLine;
  /** On the clock, ms. */
  at: number;
}

export interface CaptionSenderOptions {
  tracks: CaptionTracks;
  clock: Clock;
  program: () => Pick<Program, 'epoch' | 'startMs'> | undefined;
}

type Link = { send(order: { type: 'caption'; line: CaptionLine }): void };

export class CaptionSender {
  readonly #options: CaptionSenderOptions;
  #said: Said[] = [];
  #link: Link | undefined;

  constructor(options: CaptionSenderOptions) {
    this.#options = options;
  }

  /** Delivery is reached by this from now on, or again. */
  reach(link: Link): void {
    this.#link = link;
    this.#forget();
    for (const { line } of this.#said) link.send({ type: 'caption', line });
  }

  /** Throws AppError `no-broadcast` before there is a program, `conflict`, `bad-request`. */
  say({ text, language: wanted, at, durationMs = readingMs(text) }: CaptionInput): CaptionAnswer {
    const { tracks, clock, program } = this.#options;
    const { epoch, startMs } = program() ?? {};
    if (epoch === undefined || startMs === undefined) throw new AppError('no-broadcast');
    const language = wanted ?? tracks[0]?.language;
    if (language === undefined) throw new AppError('conflict', 'The broadcast was started without captions.');
    if (!tracks.some((track) => track.language === language))
      throw new AppError('conflict', `The broadcast has no captions in ${language}.`);
    const now = clock.now();
    const start = at === undefined ? now - startMs : at - epoch;
    const late = now - startMs - start;
    if (late > CAPTION_AT.pastMs || -late > CAPTION_AT.futureMs)
      throw new AppError('bad-request', 'at is a time of just now, in ms since 1970.');
    const from = Math.max(0, Math.round(start));
    const line = { id: newId('t'), language, text, start: from, end: durationMs === null ? null : from + durationMs };
    this.#forget();
    this.#said.push({ line, at: now });
    this.#link?.send({ type: 'caption', line });
    return { text, language, at: epoch + from, durationMs };
  }

  #forget(): void {
    const since = this.#options.clock.now() - SAID_AGAIN_MS;
    this.#said = this.#said.filter(({ at }) => at > since);
  }
}
