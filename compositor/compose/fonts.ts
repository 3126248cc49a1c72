/**
 * Noto Sans, in the pieces that the text needs: the web font comes as one file for each range of characters, and all 100
 * of the Chinese ones would cost 40 MB and 120 ms.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { GlobalFonts } from '@napi-rs/canvas';

const FAMILIES = [
  { name: 'Lianmai Sans', package: 'noto-sans' },
  { name: 'Lianmai Sans SC', package: 'noto-sans-sc' },
] as const;
const WEIGHTS = [400, 600] as const;

/** For a canvas `font`: characters that the first family lacks come from the second. */
export const FONT_FAMILY = FAMILIES.map((f) => `"${f.name}"`).join(', ');

interface Piece {
  ranges: [number, number][];
  load(): void;
  loaded: boolean;
}

const require = createRequire(import.meta.url);

/** `U+0000-00FF,U+0131` → pairs. */
function parseRanges(text: string): [number, number][] {
  return text.split(',').map((range) => {
    const [from = '', to = from] = range.trim().slice(2).split('-');
    return [Number.parseInt(from, 16), Number.parseInt(to, 16)];
  });
}

function piecesOf({ name, package: packageName }: (typeof FAMILIES)[number]): Piece[] {
  const file = require.resolve(`@fontsource/${packageName}/files/${packageName}-latin-400-normal.woff2`);
  const root = path.dirname(path.dirname(file));
  const subsets = JSON.parse(readFileSync(path.join(root, 'unicode.json'), 'utf8')) as Record<string, string>;
  return Object.entries(subsets).map(([subset, ranges]) => ({
    ranges: parseRanges(ranges),
    loaded: false,
    load() {
      // Subsets with a number are written `[4]`.
      const id = subset.replace(/^\[|\]$/g, '');
      for (const weight of WEIGHTS) {
        GlobalFonts.registerFromPath(path.join(root, 'files', `${packageName}-${id}-${weight}-normal.woff2`), name);
      }
    },
  }));
}

let families: Piece[][] | undefined;

/** Registers what `text` needs, in the first family that has each character. */
export function loadFontsFor(text: string): void {
  families ??= FAMILIES.map(piecesOf);
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    for (const pieces of families) {
      const piece = pieces.find((p) => p.ranges.some(([from, to]) => code >= from && code <= to));
      if (!piece) continue;
      if (!piece.loaded) {
        piece.loaded = true;
        piece.load();
      }
      break;
    }
  }
}
