/** Text for television: fitted, wrapped, in the fonts that it needs. */
import { createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import { FONT_FAMILY, loadFontsFor } from './fonts.ts';

const ELLIPSIS = '…';

export type Weight = 400 | 600;

const measuring = createCanvas(2, 2).getContext('2d');

/** A context to measure with, in this font, with the fonts that `text` needs. */
export function measure(text: string, size: number, weight: Weight): SKRSContext2D {
  loadFontsFor(text + ELLIPSIS);
  measuring.font = fontOf(size, weight);
  return measuring;
}

export const fontOf = (size: number, weight: Weight): string => `${weight} ${size}px ${FONT_FAMILY}`;

export const graphemesOf = (text: string): string[] => [...new Intl.Segmenter().segment(text)].map((s) => s.segment);

/** Line breaks and other control characters become spaces; marks that turn the direction of what follows go. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\u202a-\u202e\u2066-\u2069]/gu, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();

/** Shortens `text` with an ellipsis until it is at most `maxWidth` wide in the present font. */
export function fitted(context: SKRSContext2D, text: string, maxWidth: number): string {
  if (context.measureText(text).width <= maxWidth) return text;
  const characters = graphemesOf(text);
  while (characters.length > 1) {
    characters.pop();
    const shorter = characters.join('').trimEnd() + ELLIPSIS;
    if (context.measureText(shorter).width <= maxWidth) return shorter;
  }
  return ELLIPSIS;
}

/** Words into lines of at most `maxWidth`, at most `maxLines`; a text without spaces breaks between characters. */
export function wrapped(context: SKRSContext2D, text: string, maxWidth: number, maxLines: number): string[] {
  const pieces = [...new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text)].map((s) => s.segment);
  const lines: string[] = [];
  let line = '';
  for (const piece of pieces) {
    if (line && context.measureText((line + piece).trimEnd()).width > maxWidth) {
      lines.push(line.trim());
      line = piece.trimStart();
    } else line += piece;
  }
  if (line.trim()) lines.push(line.trim());
  const kept = lines.slice(0, maxLines);
  if (lines.length > maxLines) kept[maxLines - 1] = lines.slice(maxLines - 1).join(' ');
  return kept.map((l) => fitted(context, l, maxWidth));
}

/** A text that reads from right to left: by its first letter that has a direction. */
export const isRightToLeft = (text: string): boolean =>
  /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u.test(text);
