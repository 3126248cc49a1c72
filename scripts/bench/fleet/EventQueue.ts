/** What happens next: events in the order of their time, those of the same time in the order in which they were added (a binary heap). */
interface Entry {
  atS: number;
  order: number;
  run: () => void;
}

export class EventQueue {
  readonly #heap: Entry[] = [];
  #added = 0;
  #nowS = 0;
  #watcher: () => void = () => {};
  /** Events that have happened. */
  count = 0;

  get nowS(): number {
    return this.#nowS;
  }

  at(atS: number, run: () => void): void {
    const heap = this.#heap;
    const entry = { atS, order: this.#added++, run };
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!above || before(above, entry)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  after(seconds: number, run: () => void): void {
    this.at(this.#nowS + seconds, run);
  }

  /** At `fromS`, and every `seconds` from then on. */
  every(seconds: number, fromS: number, run: () => void): void {
    this.at(fromS, () => {
      run();
      this.every(seconds, fromS + seconds, run);
    });
  }

  /** Called after each event. */
  watch(watcher: () => void): void {
    this.#watcher = watcher;
  }

  /** Runs all that is to happen before `endS`. */
  runUntil(endS: number): void {
    for (let first = this.#heap[0]; first && first.atS < endS; first = this.#heap[0]) {
      this.#pop();
      this.#nowS = first.atS;
      first.run();
      this.count++;
      this.#watcher();
    }
    this.#nowS = endS;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      if (!left) break;
      const right = heap[2 * index + 2];
      const [child, at] = right && before(right, left) ? [right, 2 * index + 2] : [left, 2 * index + 1];
      if (before(last, child)) break;
      heap[index] = child;
      index = at;
    }
    heap[index] = last;
  }
}

const before = (a: Entry, b: Entry): boolean => a.atS < b.atS || (a.atS === b.atS && a.order < b.order);
