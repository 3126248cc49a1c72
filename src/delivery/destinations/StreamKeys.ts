/** The stream keys of this node that somebody pushes to: a key has one connection, whoever wants it. */

interface Holder {
  leaving: boolean;
  gone: PromiseWithResolvers<void>;
}

export class StreamKeys {
  readonly #holders = new Map<string, Holder>();

  /**
   * Resolves with what to give it back by when the key is ours, with undefined when somebody else has it. One that is being given back is waited for:
   * its connection may still stand.
   */
  async acquire(identity: string): Promise<StreamKey | undefined> {
    for (;;) {
      const holder = this.#holders.get(identity);
      if (!holder) break;
      if (!holder.leaving) return undefined;
      await holder.gone.promise;
    }
    const holder: Holder = { leaving: false, gone: Promise.withResolvers() };
    this.#holders.set(identity, holder);
    return {
      leave: () => {
        holder.leaving = true;
      },
      release: () => {
        if (this.#holders.get(identity) === holder) this.#holders.delete(identity);
        holder.gone.resolve();
      },
    };
  }
}

export interface StreamKey {
  /** The connection is being ended. */
  leave(): void;
  /** It is gone. Idempotent. */
  release(): void;
}
