/** How long people were without a connection: from the moment at which it is gone until they publish again. */
import type { Swarm } from '../../simulator/Swarm.ts';

export class Absences {
  /** Of all who came back, in the order of their coming, s. */
  readonly seconds: number[] = [];
  readonly #away = new Map<Swarm, number>();

  follow(person: Swarm): void {
    const peer = person.peer(0);
    if (!peer) throw new Error('nobody is there');
    peer.on('disconnected', () => {
      if (!this.#away.has(person)) this.#away.set(person, performance.now());
    });
    peer.on('published', () => {
      const from = this.#away.get(person);
      if (from !== undefined) this.seconds.push(Number(((performance.now() - from) / 1000).toFixed(2)));
      this.#away.delete(person);
    });
  }

  get away(): number {
    return this.#away.size;
  }
}
