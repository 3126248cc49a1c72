import type { AddressInfo } from 'node:net';

/**
 * Pure: base URL at which other nodes reach the internal port, without a slash at the end. `configured` (LIANMAI_INTERNAL_URL) wins; else it is
 * the port's own address, or, when that is every address, the one that media is exchanged at (LIANMAI_MEDIA_HOST).
 */
export function advertisedUrl(
  { address, port }: Pick<AddressInfo, 'address' | 'port'>,
  { configured, mediaHost }: { configured: string; mediaHost: string },
): string {
  if (configured !== '') return configured.replace(/\/+$/, '');
  const host = address === '0.0.0.0' || address === '::' ? mediaHost : address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
