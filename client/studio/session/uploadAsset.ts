import type { Asset } from '../../../src/contracts/assets.ts';
import { MAX_ASSET_BYTES } from '../../shared/contract.ts';
import { ProblemError, problemOfCode } from '../../shared/problems.ts';

export interface Upload {
  room: string;
  /** A host's `join` token. */
  token: string;
  file: Blob;
  kind: 'image' | 'audio';
}

/** Sends a file for the scene; its id. Throws ProblemError, `bad-file` for one that is none of the types, or too large. */
export async function uploadAsset({ room, token, file, kind }: Upload): Promise<string> {
  // The server would close the connection in the middle of it, and the browser would not say why.
  if (file.size === 0 || file.size > MAX_ASSET_BYTES) throw new ProblemError('bad-file');
  let response: Response;
  try {
    response = await fetch(`/v1/rooms/${room}/assets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body: file,
    });
  } catch (cause) {
    throw new ProblemError('server-unreachable', '', { cause });
  }
  const answer = (await response.json().catch(() => ({}))) as Partial<Asset> & {
    error?: { code: string; message: string };
  };
  if (response.ok && answer.id && answer.type?.startsWith(`${kind}/`)) return answer.id;
  if (response.ok || response.status === 400) throw new ProblemError('bad-file');
  const { code, detail } = problemOfCode(answer.error?.code ?? '', answer.error?.message ?? '');
  throw new ProblemError(code, detail);
}

/** An image or sound of a scene, as a host or co-host. Throws ProblemError. */
export async function fetchAsset(id: string, token: string): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(`/v1/assets/${id}`, { headers: { authorization: `Bearer ${token}` } });
  } catch (cause) {
    throw new ProblemError('server-unreachable', '', { cause });
  }
  if (!response.ok) throw new ProblemError('server-error', String(response.status));
  return response.blob();
}
