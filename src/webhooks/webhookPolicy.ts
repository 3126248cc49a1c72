/**
 * Where webhooks may be sent to. A name is resolved here, every address that it has is looked at, and the connection is made to exactly
 * these (a name that answers differently the second time, DNS rebinding, gets nothing). Asked again for each connection.
 */
import { lookup } from 'node:dns/promises';
import { lookAtAddress } from '../common/addresses.ts';
import { AppError } from '../contracts/errors.ts';

export interface PinnedAddress {
  address: string;
  family: 4 | 6;
}

type Resolve = (host: string) => Promise<{ address: string; family: number }[]>;

const resolveAll: Resolve = (host) => lookup(host, { all: true, verbatim: true });

/** Throws AppError `webhook-refused`. */
export function parseWebhookUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new AppError('webhook-refused', 'A webhook is an http or https URL.');
  if (url.username !== '' || url.password !== '')
    throw new AppError('webhook-refused', 'The URL of a webhook has no user and password.');
  return url;
}

/** Throws AppError `webhook-refused`; its `cause` is the resolver's error when the name could not be resolved. */
export async function webhookAddresses(
  url: URL,
  allowPrivate: boolean,
  resolve = resolveAll,
): Promise<PinnedAddress[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  let found: Awaited<ReturnType<Resolve>>;
  try {
    found = await resolve(host);
  } catch (error) {
    throw new AppError('webhook-refused', `The host name can not be resolved.`, { cause: error });
  }
  if (found.length === 0) throw new AppError('webhook-refused', 'The host name has no address.');
  return found.map(({ address }) => {
    const looked = lookAtAddress(address, allowPrivate);
    if (looked?.allowed) return { address: looked.address, family: looked.family };
    const help = looked?.private ? '; LIANMAI_ALLOW_PRIVATE_WEBHOOKS would allow it' : '';
    throw new AppError('webhook-refused', `The host is not at a public address (${looked?.range ?? 'none'})${help}.`);
  });
}

/** Whether the refusal is only that the name could not be resolved now: it may be later. */
export const isUnresolvedHost = (error: unknown): boolean =>
  error instanceof AppError && (error.cause as { syscall?: string } | undefined)?.syscall === 'getaddrinfo';
