/** Uploaded images and sounds. What an id names never changes: it is the hash of the bytes. */
import { z } from 'zod';
import { AssetId } from './scene.ts';

export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/svg+xml'] as const;
export const SOUND_TYPES = ['audio/mpeg', 'audio/aac', 'audio/ogg', 'audio/flac', 'audio/wav', 'audio/mp4'] as const;
export const AssetType = z.enum([...IMAGE_TYPES, ...SOUND_TYPES]);
export type AssetType = z.infer<typeof AssetType>;

/** The largest asset, bytes: a minute of uncompressed stereo, or any picture that a program can show. */
export const MAX_ASSET_BYTES = 16 * 1024 * 1024;

export const Asset = z.object({
  id: AssetId,
  /** Found out from the bytes. */
  type: AssetType,
  bytes: z.int().min(1).max(MAX_ASSET_BYTES),
});
export type Asset = z.infer<typeof Asset>;

export const AssetList = z.object({
  assets: z.array(Asset),
  /** Of all together. */
  bytes: z.int(),
  /** LIANMAI_MAX_ASSET_BYTES. */
  maxBytes: z.int(),
});
