import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../common/logger.ts';
import type { Config } from '../config.ts';
import { AssetStore } from './AssetStore.ts';
import { registerAssetSource } from './assetRoutes.ts';

export interface OpenAssetsOptions {
  config: Pick<Config, 'dataDir' | 'maxAssetBytes'>;
  /** Where compositors fetch them; it does not listen yet. */
  internal: FastifyInstance;
  verifyService: (token: string | undefined) => Promise<void>;
  logger: Logger;
}

/** The images and sounds of this node, in its data folder, and on its internal port. */
export async function openAssets({ config, internal, verifyService, logger }: OpenAssetsOptions): Promise<AssetStore> {
  const folder = join(config.dataDir, 'assets');
  const assets = await AssetStore.create({ folder, maxBytes: config.maxAssetBytes, logger });
  registerAssetSource(internal, { assets, verifyService });
  return assets;
}
