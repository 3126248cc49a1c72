/**
 * Images and sounds in a fleet: each SFU node keeps what was sent to it, and takes over from the others what it is asked for. In: ids, and calls of
 * the API. Out: bytes for AssetStore.ts, and lists and deletions of all nodes for assetRoutes.ts.
 */
import type { FastifyRequest } from 'fastify';
import { type AssetFleet, OWN_ASSET } from '../assets/assetRoutes.ts';
import type { Logger } from '../common/logger.ts';
import { type Asset, AssetList, MAX_ASSET_BYTES } from '../contracts/assets.ts';
import { AppError } from '../contracts/errors.ts';
import type { RelayDoor } from './RelayDoor.ts';
import type { SfuNodes } from './SfuNodes.ts';

/** 16 MB between two machines; then the next one is asked, ms. */
const FETCH_LIMIT_MS = 10_000;

export interface FleetAssetsOptions {
  nodes: SfuNodes;
  door: Pick<RelayDoor, 'isRelayed'>;
  newServiceToken: () => Promise<string>;
  logger: Logger;
}

export class FleetAssets implements AssetFleet {
  readonly #options: FleetAssetsOptions;

  constructor(options: FleetAssetsOptions) {
    this.#options = options;
  }

  /** The bytes, from the first node that has them; undefined: none has. */
  find = async (id: string): Promise<Buffer | undefined> => {
    const { nodes, newServiceToken, logger } = this.#options;
    for (const url of nodes.others) {
      try {
        const response = await fetch(`${url}/assets/${id}${OWN_ASSET}`, {
          redirect: 'error',
          headers: { authorization: `Bearer ${await newServiceToken()}` },
          signal: AbortSignal.timeout(FETCH_LIMIT_MS),
        });
        const length = Number(response.headers.get('content-length') ?? 0);
        if (response.ok && length <= MAX_ASSET_BYTES) return Buffer.from(await response.arrayBuffer());
        await response.body?.cancel();
      } catch (error) {
        logger.warn({ err: error, url, asset: id }, 'a node can not be asked for an asset');
      }
    }
    return undefined;
  };

  async list(request: FastifyRequest): Promise<Asset[]> {
    const { door, nodes } = this.#options;
    if (door.isRelayed(request.raw)) return [];
    const { authorization } = request.headers;
    return (await nodes.askAll({ path: '/v1/assets', authorization }, AssetList)).flatMap(({ assets }) => assets);
  }

  async delete(request: FastifyRequest, id: string): Promise<boolean> {
    const { door, nodes } = this.#options;
    if (door.isRelayed(request.raw)) return false;
    const { authorization } = request.headers;
    const deleted = nodes.others.map(async (url) => {
      try {
        await nodes.ask(url, { method: 'DELETE', path: `/v1/assets/${id}`, authorization });
        return true;
      } catch (error) {
        // What one node deletes while another says no comes back from that one.
        if (!(error instanceof AppError && error.code === 'not-found')) throw error;
        return false;
      }
    });
    return (await Promise.all(deleted)).includes(true);
  }
}
