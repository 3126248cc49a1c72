/**
 * Keeps `controller.kubernetes.io/pod-deletion-cost` on the pods of compositor agents, so that of one ReplicaSet the emptiest goes first. In: the
 * agents that are announced in the directory. Out: costs by placement's policy (`deletionCosts`); next: CostWriter.ts. One node of the fleet does
 * this (Leadership.ts); two that do for a moment write the same.
 *
 * It is advice: Kubernetes reads the annotation when it scales down, and may have an older one. An agent that is told to go hands its
 * broadcasts over whatever its cost was.
 */
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { Directory } from '../directory/Directory.ts';
import { Leadership } from '../directory/Leadership.ts';
import { deletionCosts } from '../directory/placement.ts';
import type { View } from '../directory/View.ts';
import { CostWriter, type CostWriterOptions } from './CostWriter.ts';
import type { PodCostMetrics } from './metrics.ts';
import { type PodApi, PodApiError } from './PodApi.ts';

/** Changes that come together are reckoned once, ms. */
const GATHER_MS = 250;
/** The work's name in the directory. */
const WORK = 'pod-deletion-cost';

export interface PodCostsOptions {
  directory: Pick<Directory, 'claim' | 'watch' | 'node'>;
  /** Called when this node leads, and again when that has failed. */
  openApi: () => Promise<PodApi>;
  clock: Clock;
  logger: Logger;
  metrics: PodCostMetrics;
  /** Tests do not wait for seconds. */
  writer?: Partial<Pick<CostWriterOptions, 'writeIntervalMs' | 'retryFirstMs'>>;
}

export class PodCosts {
  readonly #options: PodCostsOptions;
  readonly #logger: Logger;
  readonly #nodes: View<'node'>;
  readonly #leadership: Leadership;
  #writer: CostWriter | undefined;
  #api: Promise<PodApi> | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: PodCostsOptions, nodes: View<'node'>, leadership: Leadership) {
    this.#options = options;
    this.#logger = options.logger.child({ part: 'pod-costs' });
    this.#nodes = nodes;
    this.#leadership = leadership;
  }

  /** Does not fail when directory or API cannot be reached. */
  static async create(options: PodCostsOptions): Promise<PodCosts> {
    const { directory, logger } = options;
    const leadership = await Leadership.create({ directory, name: WORK, logger });
    const costs = new PodCosts(options, await directory.watch('node'), leadership);
    costs.#nodes.on('changed', costs.#onNode).on('gone', costs.#onNode);
    leadership.on('began', () => costs.#begin()).on('ended', () => void costs.#end());
    if (leadership.leads) costs.#begin();
    return costs;
  }

  /** The last costs stay on the pods; another node goes on. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#gathering);
    this.#nodes.off('changed', this.#onNode).off('gone', this.#onNode);
    await this.#end();
    await this.#leadership.close();
  }

  readonly #onNode = (): void => {
    if (!this.#writer) return;
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#reckon();
    }, GATHER_MS).unref();
  };

  #begin(): void {
    if (this.#closing || this.#writer) return;
    const { clock, metrics, writer } = this.#options;
    const api = { setDeletionCost: (pod: string, cost: number) => this.#write(pod, cost) };
    this.#writer = new CostWriter({ api, clock, logger: this.#logger, metrics, ...writer });
    this.#reckon();
  }

  async #end(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close();
  }

  #reckon(): void {
    const agents = this.#nodes.entries.map(({ data }) => data).filter(({ role }) => role === 'compositor');
    const costs = deletionCosts(agents.map((agent) => ({ ...agent, used: agent.used ?? agent.load })));
    const pods = agents.flatMap(({ url, pod }): [string, number][] => {
      const cost = costs.get(url);
      // Agents that run elsewhere, or do not say where, have none.
      return !pod || cost === undefined ? [] : [[pod, cost]];
    });
    this.#writer?.want(new Map(pods));
  }

  async #write(pod: string, cost: number): Promise<void> {
    this.#api ??= this.#options.openApi();
    let api: PodApi;
    try {
      api = await this.#api;
    } catch (cause) {
      this.#api = undefined;
      throw new PodApiError('unreachable', 'there is no way to the Kubernetes API', undefined, { cause });
    }
    await api.setDeletionCost(pod, cost);
  }
}
