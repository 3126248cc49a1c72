import { newId } from '../common/ids.ts';
import { Secret } from '../common/Secret.ts';
import type { DestinationInput } from '../contracts/broadcast.ts';
import type { DestinationOrder, DestinationStatus } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';

/** A destination as the controller keeps it: where to is a secret, since it holds the stream key. */
export interface Destination {
  url: Secret;
  /** Which stream of which server it is; the same for two that would push to one stream key. */
  identity: string;
  reconnectSeconds: number | null;
  status: DestinationStatus;
}

/** Answers the identity of the URL's stream; throws AppError `destination-refused`. */
export type CheckDestination = (url: string) => Promise<string>;

/** Throws AppError `bad-request` (not a URL, or a key that no URL can hold) or what `policy` throws. */
export async function newDestination(input: DestinationInput, policy: CheckDestination): Promise<Destination> {
  const url = joinKey(input);
  const identity = await policy(url);
  return {
    url: new Secret(url),
    identity,
    reconnectSeconds: input.reconnectSeconds,
    status: newStatus({ id: newId('d'), name: input.name, target: targetOf(url) }),
  };
}

/** Of a destination that delivery has told nothing of yet. */
export const newStatus = (of: Pick<DestinationStatus, 'id' | 'name' | 'target'>): DestinationStatus => ({
  ...of,
  state: 'connecting',
  since: Date.now(),
  cause: null,
  retryAt: null,
  reason: '',
  connects: 0,
  bytes: 0,
  droppedGops: 0,
});

export const orderOf = ({ url, status, reconnectSeconds }: Destination): DestinationOrder => ({
  id: status.id,
  name: status.name,
  url: url.reveal(),
  reconnectSeconds,
});

/** RTMP: the key is the last part of the path, as it is (keys of some services hold a query). SRT: the `streamid`. */
function joinKey({ url, key }: DestinationInput): string {
  const scheme = url.match(/^([a-z]+):\/\//i)?.[1]?.toLowerCase();
  if (!scheme || !URL.canParse(url)) throw new AppError('bad-request', 'The destination is not a URL.');
  if (key === undefined) return url;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  if (/[\u0000-\u0020\u007f]/.test(key))
    throw new AppError('bad-request', 'The stream key holds a space or a control character.');
  if (scheme !== 'srt') return `${url.replace(/\/+$/, '')}/${key}`;
  const joined = new URL(url);
  joined.searchParams.set('streamid', key);
  return joined.href;
}

/** Scheme, host and, for RTMP, the application: no key, no user, no query. */
function targetOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  const app = protocol === 'srt:' ? '' : pathname.split('/').slice(1, -1).join('/');
  return `${protocol}//${host}${app ? `/${app}` : ''}`;
}

/** `mine`: the destination of the same broadcast that has it; undefined: one of another broadcast. */
export function keyInUse(mine: Destination | undefined): AppError {
  const who = mine ? `destination '${mine.status.name}' of this broadcast` : 'another broadcast of this server';
  return new AppError('conflict', `The stream key is in use: ${who} pushes to it, and a key has one connection.`);
}
