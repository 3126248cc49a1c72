/** Destination URLs: what is allowed in one, where its secrets are, and what of it may be shown. */
import { AppError } from '../../contracts/errors.ts';

export interface ParsedDestination {
  scheme: 'rtmp' | 'rtmps' | 'srt';
  host: string;
  port: number;
  /** RTMP: the application, with instance and query. */
  app: string;
  /** RTMP: the stream key with its query. */
  key: string;
  /** SRT: what stands in the query. */
  srt: { streamid?: string; passphrase?: string; latencyMs?: number; pbkeylen?: number };
  /** Scheme, host and app: no key, no user, no query. */
  target: string;
  /** What must never be shown: longest first. */
  secrets: string[];
}

export const DEFAULT_PORTS = { rtmp: 1935, rtmps: 443 } as const;
/** An ffmpeg preset file's line has at most 999 characters. */
const MAX_VALUE_LENGTH = 900;
/** Printable ASCII without what a shell, a URL parser or ffmpeg's own lists (`tee`, `concat`) could take as something else. */
const ALLOWED = /^[!#$%&()*+,\-./:;=?@A-Z[\]_a-z~0-9]+$/;
const HOST = /^(?!-)[A-Za-z0-9.-]{1,253}$/;
const SRT_OPTIONS = new Set(['streamid', 'passphrase', 'latency', 'mode', 'pbkeylen']);
/** 16, 24 or 32 bytes: AES-128, AES-192, AES-256. */
const SRT_KEY_LENGTHS = [16, 24, 32];
/** A passphrase has 10 to 79 characters (SRT API, SRTO_PASSPHRASE). */
const SRT_PASSPHRASE = /^.{10,79}$/;
const SRT_MIN_LATENCY_MS = 20;
const SRT_MAX_LATENCY_MS = 8000;

const refuse = (why: string): AppError => new AppError('destination-refused', `The destination ${why}.`);

/** Throws AppError `destination-refused` with a sentence that holds nothing of the URL. */
export function parseDestination(text: string): ParsedDestination {
  if (text.length > 2048) throw refuse('has a URL that is too long');
  if (!ALLOWED.test(text)) throw refuse('has a URL with characters that are not allowed in one');
  const match = /^([A-Za-z]+):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/.exec(text);
  const scheme = match?.[1]?.toLowerCase();
  if (!match || (scheme !== 'rtmp' && scheme !== 'rtmps' && scheme !== 'srt'))
    throw refuse('is not an rtmp://, rtmps:// or srt:// URL');
  const authority = match[2] ?? '';
  if (authority.includes('@')) throw refuse('has a user name in its URL, which is not supported; use a stream key');
  const { host, port } = parseAuthority(authority, scheme);
  const path = match[3] ?? '';
  const query = (match[4] ?? '').slice(1);
  const shownHost = host.includes(':') ? `[${host}]` : host;
  const place = port === (scheme === 'srt' ? -1 : DEFAULT_PORTS[scheme]) ? shownHost : `${shownHost}:${port}`;
  const common = { scheme, host, port } as const;
  if (scheme === 'srt') {
    if (path !== '' && path !== '/') throw refuse('has a path, which srt:// does not know');
    if (match[5]) throw refuse('has a fragment in its URL');
    const srt = parseSrtOptions(query);
    return {
      ...common,
      app: '',
      key: '',
      srt,
      target: `srt://${place}`,
      secrets: secretsOf(query, srt.streamid, srt.passphrase, ...query.split('&').map((p) => p.replace(/^[^=]*=/, ''))),
    };
  }
  const { app, key } = splitRtmpPath(path, `${query}${match[5] ?? ''}`, match[4] !== undefined);
  const shownApp = app.replace(/[?#].*$/, '');
  const target = `${scheme}://${place}/${shownApp}`;
  return { ...common, app, key, srt: {}, target, secrets: secretsOf(key, key.replace(/[?#].*$/, ''), query) };
}

function parseAuthority(authority: string, scheme: 'rtmp' | 'rtmps' | 'srt'): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(authority);
  const host = match?.[1] ?? match?.[2] ?? '';
  if (!match || (match[1] === undefined && !HOST.test(host))) throw refuse('has no valid host');
  if (match[3] === undefined && scheme === 'srt') throw refuse('has no port');
  const port = match[3] === undefined ? DEFAULT_PORTS[scheme as 'rtmp' | 'rtmps'] : Number(match[3]);
  if (port < 1 || port > 65_535) throw refuse('has no valid port');
  return { host, port };
}

/**
 * The stream key is the last part of the path, with the query. Where the path has the application alone, and a slash stands
 * in the query, the query is the application's and the key follows the slash (`rtmp://host/app?token=1/key`).
 */
function splitRtmpPath(path: string, query: string, hasQuery: boolean): { app: string; key: string } {
  const parts = path.split('/').filter(Boolean);
  const slash = query.lastIndexOf('/');
  let app = parts.slice(0, -1).join('/');
  let key = `${parts.at(-1) ?? ''}${hasQuery ? '?' : ''}${query}`;
  if (parts.length === 1 && hasQuery && slash !== -1) {
    app = `${parts[0]}?${query.slice(0, slash)}`;
    key = query.slice(slash + 1);
  }
  if (!app) throw refuse('has no application and stream key: rtmp://HOST/APPLICATION/KEY');
  if (!key || key.startsWith('?')) throw refuse('has no stream key');
  if (app.length > MAX_VALUE_LENGTH || key.length > MAX_VALUE_LENGTH) throw refuse('has a stream key that is too long');
  return { app, key };
}

function parseSrtOptions(query: string): ParsedDestination['srt'] {
  const srt: ParsedDestination['srt'] = {};
  const parameters = new URLSearchParams(query);
  for (const name of new Set(parameters.keys())) {
    if (!SRT_OPTIONS.has(name))
      throw refuse('has an SRT option other than streamid, passphrase, pbkeylen, latency and mode');
    if (parameters.getAll(name).length > 1) throw refuse('has an SRT option twice');
  }
  const mode = parameters.get('mode');
  if (mode !== null && mode !== 'caller') throw refuse('has an SRT mode other than caller');
  const streamid = parameters.get('streamid');
  const passphrase = parameters.get('passphrase');
  const latency = parameters.get('latency');
  const pbkeylen = parameters.get('pbkeylen');
  for (const value of [streamid, passphrase]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
    if (value !== null && /[\u0000-\u001f\u007f]/.test(value)) throw refuse('has control characters in an SRT option');
  }
  if (streamid !== null) {
    // SRTO_STREAMID has at most 512 bytes.
    if (streamid === '' || Buffer.byteLength(streamid) > 512)
      throw refuse('has an SRT stream id that is empty or too long');
    srt.streamid = streamid;
  }
  if (passphrase !== null) {
    if (!SRT_PASSPHRASE.test(passphrase)) throw refuse('has an SRT passphrase that is not 10 to 79 characters long');
    srt.passphrase = passphrase;
  }
  if (latency !== null) {
    srt.latencyMs = Number(latency);
    if (!/^\d{1,4}$/.test(latency) || srt.latencyMs < SRT_MIN_LATENCY_MS || srt.latencyMs > SRT_MAX_LATENCY_MS)
      throw refuse(`has an SRT latency that is not ${SRT_MIN_LATENCY_MS} to ${SRT_MAX_LATENCY_MS} (milliseconds)`);
  }
  if (pbkeylen !== null) {
    srt.pbkeylen = Number(pbkeylen);
    if (!SRT_KEY_LENGTHS.includes(srt.pbkeylen)) throw refuse('has an SRT key length other than 16, 24 and 32');
  }
  return srt;
}

/** Words too short to be secrets would blot out half of every line. */
function secretsOf(...values: (string | undefined)[]): string[] {
  const found = values.flatMap((v) => (v && v.length >= 4 ? [v, decode(v)] : []));
  return [...new Set(found)].sort((a, b) => b.length - a.length);
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** The text without the secrets. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
}
