/**
 * Where each rendition was seen to be, and where others' rendition reports said that it is (draft section 4.4.5.4). A report that
 * left the server at an unknown moment between its request and its answer must not be behind what was seen before the one, nor
 * ahead of what is seen after the other.
 */
interface Claim {
  about: string;
  order: number;
  receivedAt: number;
  fail: (what: string) => void;
}

export class PositionBoard {
  readonly #seen = new Map<string, { order: number; receivedAt: number }[]>();
  #claims: Claim[] = [];

  /** An answer for the playlist `url`, asked for and received at these moments, ms. */
  observe(url: string, order: number, sentAt: number, receivedAt: number): void {
    const list = this.#seen.get(url) ?? [];
    list.push({ order, receivedAt });
    this.#seen.set(url, list);
    const judged = (claim: Claim) => claim.about === url && claim.receivedAt <= sentAt;
    for (const claim of this.#claims.filter(judged))
      if (order < claim.order) claim.fail(`${url} is said to be ahead of where it is`);
    this.#claims = this.#claims.filter((claim) => !judged(claim));
  }

  /** A report about `about`, in an answer that was asked for and received at these moments, ms. */
  claim(about: string, order: number, sentAt: number, receivedAt: number, fail: Claim['fail']): void {
    const before = (this.#seen.get(about) ?? []).filter((seen) => seen.receivedAt <= sentAt);
    if (before.some((seen) => seen.order > order)) fail(`${about} is said to be behind where it was`);
    this.#claims.push({ about, order, receivedAt, fail });
  }
}
