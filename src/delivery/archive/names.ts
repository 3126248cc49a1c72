/** The names of a broadcast's files on the disk; ArchiveManifest.ts has the whole layout. */
export type { RenditionId } from '../../contracts/ids.ts';

export type SegmentNumber = number;

/** Beside the renditions: the lines of captions of a broadcast that is over. */
export const CAPTIONS_FILE = 'captions.json';
/** Captions of a language, once the broadcast is over. */
export const VTT_FILE = 'captions.vtt';
export const SLATE_FILE = 'slate.m4s';
export const INIT_FILE = /^init-[0-9a-f]{16}\.mp4$/;
export const wholeName = (number: SegmentNumber): string => `${number}.m4s`;
export const partialName = (number: SegmentNumber): string => `${number}.part.m4s`;

/** Which segment a file is of, and whether it is whole; null for other files. */
export function parseName(name: string): { number: SegmentNumber; whole: boolean } | null {
  const match = /^(0|[1-9]\d{0,11})(\.part)?\.m4s$/.exec(name);
  return match ? { number: Number(match[1]), whole: match[2] === undefined } : null;
}
