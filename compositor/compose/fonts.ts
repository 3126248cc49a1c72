/**
 * Noto Sans and Twemoji, in the pieces that the text needs: the web font comes as one file for each range of characters, and all
 * 100 of the Chinese ones would cost 40 MB and 120 ms. Skia shapes the text (Arabic) and orders what reads from right to left.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { GlobalFonts } from '@napi-rs/canvas';

interface Family {
  name: string;
  pieces(): Piece[];
}

interface Piece {
  has(code: number): boolean;
  load(): void;
  loaded: boolean;
}

const require = createRequire(import.meta.url);
const WEIGHTS = [400, 600] as const;

const FAMILIES: readonly Family[] = [
  { name: 'Lianmai Sans', pieces: () => webFont('Lianmai Sans', 'noto-sans') },
  { name: 'Lianmai Sans SC', pieces: () => webFont('Lianmai Sans SC', 'noto-sans-sc') },
  { name: 'Lianmai Sans Arabic', pieces: () => webFont('Lianmai Sans Arabic', 'noto-sans-arabic') },
  // In colours, and in the one format of colour fonts (COLR version 0) that this Skia draws; Noto's emoji are in another.
  { name: 'Lianmai Emoji', pieces: () => emojiFont('Lianmai Emoji') },
];

/** For a canvas `font`: characters that one family lacks come from the next. */
export const FONT_FAMILY = FAMILIES.map((f) => `"${f.name}"`).join(', ');

/** `U+0000-00FF,U+0131` → pairs. */
function parseRanges(text: string): [number, number][] {
  return text.split(',').map((range) => {
    const [from = '', to = from] = range.trim().slice(2).split('-');
    return [Number.parseInt(from, 16), Number.parseInt(to, 16)];
  });
}

function webFont(name: string, packageName: string): Piece[] {
  const root = path.dirname(require.resolve(`@fontsource/${packageName}/package.json`));
  const subsets = JSON.parse(readFileSync(path.join(root, 'unicode.json'), 'utf8')) as Record<string, string>;
  return Object.entries(subsets).map(([subset, text]) => {
    const ranges = parseRanges(text);
    return {
      has: (code) => ranges.some(([from, to]) => code >= from && code <= to),
      loaded: false,
      load() {
        // Subsets with a number are written `[4]`.
        const id = subset.replace(/^\[|\]$/g, '');
        for (const weight of WEIGHTS) {
          GlobalFonts.registerFromPath(path.join(root, 'files', `${packageName}-${id}-${weight}-normal.woff2`), name);
        }
      },
    };
  });
}

function emojiFont(name: string): Piece[] {
  const file = require.resolve('twemoji-colr-font/twemoji.woff2');
  return [
    {
      has: (code) => /[\p{Extended_Pictographic}\p{Regional_Indicator}]/u.test(String.fromCodePoint(code)),
      loaded: false,
      load: () => void GlobalFonts.registerFromPath(file, name),
    },
  ];
}

/** A family whose package is not installed leaves its characters to the others. */
function piecesOf(family: Family): Piece[] {
  try {
    return family.pieces();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return [];
    throw error;
  }
}

let families: Piece[][] | undefined;

/** Registers what `text` needs, in the first family that has each character. */
export function loadFontsFor(text: string): void {
  families ??= FAMILIES.map(piecesOf);
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const piece = families.flatMap((pieces) => pieces.find((p) => p.has(code)) ?? [])[0];
    if (!piece || piece.loaded) continue;
    piece.loaded = true;
    piece.load();
  }
}
