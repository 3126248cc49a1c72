/**
 * Captions: lines of text that belong to moments of the program. Posted by the API, or typed by a host; shown on the picture by the scene, or in
 * players as a WebVTT rendition of each language (docs/captions.md).
 */
import { z } from 'zod';

/** Longest line, characters (UTF-16). Two lines of 42 are what is read with ease. */
export const CAPTION_LENGTH = 200;
/** Languages of one broadcast. */
export const MAX_CAPTION_TRACKS = 8;
/** How long a line stays at least and at most when that is said, ms. */
export const CAPTION_MS = { least: 500, most: 60_000 } as const;
/** Words may be said to have been spoken so long before they are posted, or to be spoken so long after that, ms. */
export const CAPTION_AT = { pastMs: 60_000, futureMs: 30_000 } as const;

/** A BCP 47 tag in its canonical form; `und` where it is not known. */
export const CaptionLanguage = z
  .string()
  .max(35)
  .regex(/^[a-z]{2,8}(-[a-z0-9]{1,8})*$/i, 'a language is a tag such as en or zh-Hans')
  .refine((tag) => canonical(tag) !== null, 'a language is a tag such as en or zh-Hans')
  .overwrite((tag) => canonical(tag) ?? tag);

function canonical(tag: string): string | null {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null;
  } catch {
    return null;
  }
}

export const CaptionTrack = z
  .object({
    language: CaptionLanguage,
    /** What players call it; left out: the language's own name. */
    name: z
      .string()
      .trim()
      .min(1)
      .max(64)
      // It is a quoted-string of the multivariant playlist (RFC 8216bis section 4.2).
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
      .regex(/^[^"\u0000-\u001f\u007f]*$/, 'no quotes and no control characters')
      .optional(),
  })
  .strict();
export type CaptionTrack = z.infer<typeof CaptionTrack>;

/** Players read the multivariant playlist once, so the languages are those of the broadcast from its start. */
export const CaptionTracks = z
  .array(CaptionTrack)
  .max(MAX_CAPTION_TRACKS)
  .refine((tracks) => new Set(tracks.map(nameOf)).size === tracks.length, 'no two tracks have the same name')
  .refine(
    (tracks) => new Set(tracks.map(({ language }) => language)).size === tracks.length,
    'no two tracks are of the same language',
  );
export type CaptionTracks = z.infer<typeof CaptionTracks>;

/** What players call a track. */
export function nameOf({ language, name }: CaptionTrack): string {
  if (name !== undefined) return name;
  if (language === 'und') return 'Captions';
  // Of what is refused for its language anyway.
  if (canonical(language) === null) return language;
  const own = new Intl.DisplayNames([language], { type: 'language', fallback: 'code' }).of(language) ?? language;
  return own.charAt(0).toLocaleUpperCase(language) + own.slice(1);
}

/** Control characters, and those that turn the direction of what follows, are of no use in a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
const UNWANTED = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** White space is one space or one line break, at most two of those; half a surrogate pair is the replacement character. */
export function cleanCaption(text: string): string {
  const lines = text
    .toWellFormed()
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replace(UNWANTED, '')
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '');
  return [...lines.slice(0, 2), lines.slice(2).join(' ')].filter((line) => line !== '').join('\n');
}

/** Where a line is shown. `viewers`: in players whose viewer turns captions on. */
export const CaptionPlace = z.enum(['viewers', 'picture', 'both']);
export type CaptionPlace = z.infer<typeof CaptionPlace>;

export const CaptionInput = z
  .object({
    /** Empty: takes off the line that is shown. */
    text: z.string().max(CAPTION_LENGTH).overwrite(cleanCaption),
    /** One of the broadcast's; left out: its first. */
    language: CaptionLanguage.optional(),
    /** Wall clock at which the words were spoken, ms since 1970, as in the playlists' EXT-X-PROGRAM-DATE-TIME; left out: now. */
    at: z.number().optional(),
    /** How long it stays unless another one follows, ms; left out: as long as it takes to read; null: until the next. */
    durationMs: z.int().min(CAPTION_MS.least).max(CAPTION_MS.most).nullable().optional(),
    place: CaptionPlace.default('viewers'),
  })
  .strict();
export type CaptionInput = z.infer<typeof CaptionInput>;

export const CaptionAnswer = z.object({
  text: z.string(),
  /** null: it is on the picture only. */
  language: z.string().nullable(),
  /** Wall clock of the program from which it is meant, ms since 1970; null: the room is not live. */
  at: z.number().nullable(),
  /** null: until the next. */
  durationMs: z.number().nullable(),
});
export type CaptionAnswer = z.infer<typeof CaptionAnswer>;

/** Characters a second that are read with ease; of scripts that write a word in one or two characters, fewer. */
const READ_PER_SECOND = 15;
const READ_WIDE_PER_SECOND = 5;
const READ_LEAST_MS = 2_000;
const READ_MOST_MS = 10_000;
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

/** As long as it takes to read a line, ms. */
export function readingMs(text: string): number {
  const wide = text.match(WIDE)?.length ?? 0;
  const seconds = wide / READ_WIDE_PER_SECOND + ([...text].length - wide) / READ_PER_SECOND;
  return Math.round(Math.min(READ_MOST_MS, Math.max(READ_LEAST_MS, seconds * 1000)));
}

/** A line as delivery keeps it. Times are program time, ms. */
export const CaptionLine = z.object({
  id: z.string().max(64),
  language: z.string().max(35),
  /** Empty: from then on nothing is shown. */
  text: z.string().max(2 * CAPTION_LENGTH),
  start: z.number().min(0),
  /** null: until the next. */
  end: z.number().min(0).nullable(),
});
export type CaptionLine = z.infer<typeof CaptionLine>;
