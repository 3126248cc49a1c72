/** Gets an uploaded file from the SFU's internal port: an id is the SHA-256 of the bytes, so whatever comes is checked by it. */
import { createHash } from 'node:crypto';
import type { Secret } from '../../src/common/Secret.ts';

/** As much as may be uploaded. */
export const MAX_ASSET_BYTES = 16 << 20;
const TIMEOUT_MS = 10_000;

export interface AssetPlace {
  /** No slash at the end. */
  url: string;
  token: Secret;
}

/** @throws when it is not there, too large, or not what its name says */
export async function fetchAsset({ url, token }: AssetPlace, id: string, signal: AbortSignal): Promise<Buffer> {
  const answer = await fetch(`${url}/${id}`, {
    headers: { authorization: `Bearer ${token.reveal()}` },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    redirect: 'error',
  });
  if (!answer.ok || !answer.body) {
    await answer.body?.cancel();
    throw new Error(`the asset cannot be had: ${answer.status}`);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body) {
    length += chunk.length;
    // Leaving the loop cancels the body.
    if (length > MAX_ASSET_BYTES) throw new Error('the asset is too large');
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (createHash('sha256').update(bytes).digest('hex') !== id) throw new Error('the asset is not what its name says');
  return bytes;
}
