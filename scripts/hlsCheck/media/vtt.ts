/** A WebVTT segment (W3C WebVTT section 4.1, draft section 3.1.4), as far as it is checked. Pure. */

export interface VttCue {
  /** Cue time, seconds. */
  start: number;
  end: number;
  text: string;
}

export interface VttSegment {
  /** What is added to a cue time to have the media time, seconds; null: there is no X-TIMESTAMP-MAP. */
  offset: number | null;
  cues: VttCue[];
}

const TIME = /^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$/;
const TICKS_PER_SECOND = 90_000;

/** Throws where it has not the form. */
export function readVtt(bytes: Buffer): VttSegment {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r\n?/g, '\n');
  const [head = '', ...blocks] = text.replace(/^\ufeff/, '').split(/\n{2,}/);
  if (!/^WEBVTT(?:[ \t].*)?(?:\n|$)/.test(head)) throw new Error('it does not begin with WEBVTT');
  return { offset: offsetOf(head), cues: blocks.flatMap(readBlock) };
}

function offsetOf(head: string): number | null {
  const map = /^X-TIMESTAMP-MAP=(.*)$/m.exec(head)?.[1];
  if (map === undefined) return null;
  const ticks = /\bMPEGTS:(\d+)/.exec(map)?.[1];
  const local = /\bLOCAL:([\d:.]+)/.exec(map)?.[1];
  if (ticks === undefined || local === undefined) throw new Error(`X-TIMESTAMP-MAP=${map}`);
  return Number(ticks) / TICKS_PER_SECOND - secondsOf(local);
}

function readBlock(block: string): VttCue[] {
  const lines = block.replace(/\n+$/, '').split('\n');
  if (block.trim() === '' || /^(NOTE|STYLE|REGION)\b/.test(block)) return [];
  const at = lines[0]?.includes('-->') ? 0 : 1;
  const [start, end] = (lines[at] ?? '').split('-->').map((time) => time.trim().split(/\s/)[0] ?? '');
  if (start === undefined || end === undefined) throw new Error(`'${lines[0]}' is no cue`);
  const cue = { start: secondsOf(start), end: secondsOf(end), text: lines.slice(at + 1).join('\n') };
  if (cue.end <= cue.start) throw new Error(`${start} --> ${end}`);
  if (cue.text.includes('-->')) throw new Error('--> in a text');
  return [cue];
}

function secondsOf(text: string): number {
  const match = TIME.exec(text);
  if (!match) throw new Error(`'${text}' is no time`);
  const [, hours = '0', minutes, seconds, ms] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(ms) / 1000;
}
