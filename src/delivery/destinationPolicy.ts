/**
 * Which destinations may be pushed to: rtmp, rtmps and srt to public addresses. A name is resolved here, every address that it
 * has is looked at, and the connection is made to exactly these (a name that answers differently the second time, DNS
 * rebinding, gets nothing). Asked again for each connection.
 */
import { lookup } from 'node:dns/promises';
import { lookAtAddress } from '../common/addresses.ts';
import { AppError } from '../contracts/errors.ts';
import { type ParsedDestination, parseDestination } from './destinations/destinationUrl.ts';

export interface AllowedDestination {
  parsed: ParsedDestination;
  /** All were looked at; connect to one of these and to nothing else. */
  addresses: { address: string; family: 4 | 6 }[];
}

/** Throws AppError `destination-refused`; its `cause` is the resolver's error when the name could not be resolved. */
export type DestinationPolicy = (url: string) => Promise<AllowedDestination>;

type Resolve = (host: string) => Promise<{ address: string; family: number }[]>;

const resolveAll: Resolve = (host) => lookup(host, { all: true, verbatim: true });

export function destinationPolicy(options: { allowPrivate: boolean; resolve?: Resolve }): DestinationPolicy {
  const { allowPrivate, resolve = resolveAll } = options;
  return async (url) => {
    const parsed = parseDestination(url);
    let found: Awaited<ReturnType<Resolve>>;
    try {
      found = await resolve(parsed.host);
    } catch (error) {
      throw new AppError('destination-refused', `The destination's host name could not be resolved.`, { cause: error });
    }
    if (found.length === 0) throw new AppError('destination-refused', `The destination's host name has no address.`);
    const addresses = found.map(({ address }) => checkAddress(address, allowPrivate));
    return { parsed, addresses };
  };
}

function checkAddress(address: string, allowPrivate: boolean): { address: string; family: 4 | 6 } {
  const looked = lookAtAddress(address, allowPrivate);
  if (!looked) throw new AppError('destination-refused', 'The destination has no valid address.');
  if (looked.allowed) return { address: looked.address, family: looked.family };
  const help = looked.private ? '; LIANMAI_ALLOW_PRIVATE_DESTINATIONS would allow it' : '';
  throw new AppError('destination-refused', `The destination is not at a public address (${looked.range})${help}.`);
}

/** Whether the refusal is only that the name could not be resolved now: it may be later. */
export const isUnresolved = (error: unknown): boolean =>
  error instanceof AppError && (error.cause as { syscall?: string } | undefined)?.syscall === 'getaddrinfo';
