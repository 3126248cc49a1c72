/** Who of this node's broadcasts pushes to which stream key: the first who comes has it until it gives it back. */
export class KeyClaims {
  readonly #owners = new Map<string, string>();

  /** The stream (its identity, see destinations.ts) is now of `owner`; the answer is who has it already, when somebody has. */
  claim(identity: string, owner: string): string | undefined {
    const other = this.#owners.get(identity);
    if (other === undefined) this.#owners.set(identity, owner);
    return other;
  }

  /** What is not the owner's stays. */
  release(identity: string, owner: string): void {
    if (this.#owners.get(identity) === owner) this.#owners.delete(identity);
  }
}
