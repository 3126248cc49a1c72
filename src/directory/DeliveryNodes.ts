import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { Directory } from './Directory.ts';
import { withoutSlash } from './SharedDirectory.ts';

interface DeliveryNodesEvents {
  added: [url: string];
  removed: [url: string];
}

/**
 * The other delivery nodes that there are, by the URLs of their internal ports: the one that is configured, or those that announce themselves. For
 * who has to ask all of them, since what outlives a broadcast is on the node that had it.
 */
export class DeliveryNodes extends TypedEmitter<DeliveryNodesEvents> {
  /** It is what is configured, and not what announces itself. */
  readonly configured: boolean;
  readonly #urls: Set<string>;

  private constructor(urls: Iterable<string>, configured: boolean) {
    super();
    this.configured = configured;
    this.#urls = new Set(urls);
  }

  static fixed(url: string): DeliveryNodes {
    return new DeliveryNodes([withoutSlash(url)], true);
  }

  static async announced(directory: Pick<Directory, 'node' | 'watch'>): Promise<DeliveryNodes> {
    const view = await directory.watch('node');
    const isDelivery = ({ id, data }: (typeof view.entries)[number]): boolean =>
      data.role === 'delivery' && id !== directory.node;
    const nodes = new DeliveryNodes(
      view.entries.filter(isDelivery).map(({ id }) => id),
      false,
    );
    view.on('changed', (entry) => {
      if (!isDelivery(entry) || nodes.#urls.has(entry.id)) return;
      nodes.#urls.add(entry.id);
      nodes.emit('added', entry.id);
    });
    view.on('gone', ({ id }) => {
      if (nodes.#urls.delete(id)) nodes.emit('removed', id);
    });
    return nodes;
  }

  get urls(): string[] {
    return [...this.#urls];
  }
}
