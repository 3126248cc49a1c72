import type { DestinationInput } from '../../../src/contracts/broadcast.ts';

/** A destination as it is being typed. */
export interface DestinationDraft {
  /** Tells the drafts apart in the list. */
  id: number;
  url: string;
  key: string;
}

let lastId = 0;

export const newDraft = (): DestinationDraft => ({ id: ++lastId, url: '', key: '' });

/** Whether the server could take this URL at all: a scheme that it pushes to, and a host. */
export function isDestinationUrl(url: string): boolean {
  const trimmed = url.trim();
  if (!/^(rtmps?|srt):\/\/[^/\s]/i.test(trimmed) || trimmed.length > 2048) return false;
  return URL.canParse(trimmed);
}

const blank = (draft: DestinationDraft) => draft.url.trim() === '' && draft.key.trim() === '';

/** The drafts that are filled in, as the server takes them; undefined when one of them is wrong. */
export function destinationsOf(drafts: readonly DestinationDraft[]): DestinationInput[] | undefined {
  const filled = drafts.filter((draft) => !blank(draft));
  if (!filled.every((draft) => isDestinationUrl(draft.url))) return undefined;
  return filled.map((draft) => {
    const url = draft.url.trim();
    const key = draft.key.trim();
    return { name: new URL(url).hostname.slice(0, 64), url, reconnectSeconds: null, ...(key ? { key } : {}) };
  });
}

export const isBad = (draft: DestinationDraft): boolean => !blank(draft) && !isDestinationUrl(draft.url);
