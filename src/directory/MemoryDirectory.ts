import type { AgentEntry, Directory } from './Directory.ts';

export interface MemoryDirectoryOptions {
  /** Base URLs of the agents' internal ports. */
  agents: () => readonly string[];
  /** Base URL of the delivery node's internal port. */
  delivery: () => string;
}

/** One SFU node, with agents and a delivery node that are configured: loads are what this node itself has placed. */
export class MemoryDirectory implements Directory {
  readonly #options: MemoryDirectoryOptions;
  /** Compositor → agent URL. */
  readonly #placed = new Map<string, string>();

  constructor(options: MemoryDirectoryOptions) {
    this.#options = options;
  }

  async agents(): Promise<AgentEntry[]> {
    const loads = [...this.#placed.values()];
    return this.#options.agents().map((url) => ({
      url: withoutSlash(url),
      capacity: null,
      load: loads.filter((placed) => placed === withoutSlash(url)).length,
      draining: false,
    }));
  }

  async delivery(_broadcast: string): Promise<string> {
    return withoutSlash(this.#options.delivery());
  }

  async placed(agentUrl: string, compositor: string): Promise<void> {
    this.#placed.set(compositor, agentUrl);
  }

  async released(compositor: string): Promise<void> {
    this.#placed.delete(compositor);
  }
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
