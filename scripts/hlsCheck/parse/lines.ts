/** A playlist's text → its lines, each tag with its value parsed; breaches of the syntax are reported. Next: parsePlaylist.ts. */
import type { Report } from '../rules/Findings.ts';
import { type Attributes, parseAttributes } from './attributes.ts';
import { TAGS, type TagForm, versionOf } from './tags.ts';

export interface TagLine {
  kind: 'tag';
  /** From 1. */
  line: number;
  /** Without `#`. */
  name: string;
  form: TagForm;
  value: string;
  attributes: Attributes;
  text: string;
}
export interface UriLine {
  kind: 'uri';
  line: number;
  text: string;
}
export type PlaylistLine = TagLine | UriLine;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
/** Tags before the playlist's segments that must not come twice. */
const ONCE: readonly string[] = ['any', 'media', 'multivariant'];
const NONE: Attributes = new Map();

/** `bytes` as they came, after any content coding. */
export function readLines(bytes: Buffer, report: Report): PlaylistLine[] {
  const text = decode(bytes, report);
  const lines: PlaylistLine[] = [];
  const seen = new Set<string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const line = index + 1;
    if (line === 1 && content !== '#EXTM3U') report('first-line', `'${content.slice(0, 40)}'`, line);
    if (content === '' || (content.startsWith('#') && !content.startsWith('#EXT'))) continue;
    if (!content.startsWith('#')) {
      if (/\s/.test(content)) report('tag-value', 'white space in a URI', line);
      lines.push({ kind: 'uri', line, text: content });
      continue;
    }
    const tag = readTag(content, line, report);
    if (!tag) continue;
    if (ONCE.includes(tag.form.place) && !tag.form.repeats && seen.has(tag.name)) report('tag-once', tag.name, line);
    seen.add(tag.name);
    lines.push(tag);
  }
  checkVersion(lines, report);
  return lines;
}

function decode(bytes: Buffer, report: Report): string {
  if (bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) report('text-encoding', 'a byte order mark', 1);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    report('text-encoding', 'bytes that are no UTF-8');
    text = bytes.toString('utf8');
  }
  if (CONTROL.test(text)) report('text-encoding', 'control characters');
  return text;
}

function readTag(content: string, line: number, report: Report): TagLine | null {
  const colon = content.indexOf(':');
  const name = colon < 0 ? content.slice(1) : content.slice(1, colon);
  const value = colon < 0 ? '' : content.slice(colon + 1);
  const form = TAGS[name];
  if (!form) {
    report('tag-known', name.slice(0, 60), line);
    return null;
  }
  const tag: TagLine = { kind: 'tag', line, name, form, value, attributes: NONE, text: content };
  if (form.value === 'none') {
    if (colon >= 0) report('tag-value', `${name} has a value`, line);
  } else if (form.value === 'attributes') {
    if (value === '') report('tag-value', `${name} has no attributes`, line);
    const at: Report = (rule, what) => report(rule, `${name}: ${what}`, line);
    tag.attributes = parseAttributes(value, form.attributes ?? {}, at);
  } else if (!form.value.test(value)) report('tag-value', `${name}:${value.slice(0, 60)}`, line);
  return tag;
}

/** What the playlist's own tags need; `version-excess` is judged where the server's part is known. */
export function neededVersion(lines: readonly PlaylistLine[]): number {
  const tags = lines.filter((l) => l.kind === 'tag');
  const iFrames = tags.some(({ name }) => name === 'EXT-X-I-FRAMES-ONLY');
  return Math.max(1, ...tags.map(({ name, attributes, value }) => versionOf(name, attributes, value, iFrames)));
}

function checkVersion(lines: readonly PlaylistLine[], report: Report): void {
  const tag = lines.find((l) => l.kind === 'tag' && l.name === 'EXT-X-VERSION');
  const version = tag?.kind === 'tag' ? Number(tag.value) : 1;
  const needed = neededVersion(lines);
  if (version < needed) report('version-minimum', `version ${version}; ${needed} is needed`, tag?.line);
}
