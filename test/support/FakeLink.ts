import type { LeaveReason } from '../../src/contracts/signaling.ts';
import type { PeerLink } from '../../src/rooms/PeerLink.ts';

/** A person's connection that remembers what it was told. */
export class FakeLink implements PeerLink {
  readonly told: [string, unknown][] = [];
  dismissed: LeaveReason | undefined;
  words: string | undefined;
  tell(event: string, ...args: unknown[]): void {
    this.told.push([event, args[0]]);
  }
  show(event: string, ...args: unknown[]): void {
    this.told.push([event, args[0]]);
  }
  async offerConsumer(): Promise<boolean> {
    return true;
  }
  dismiss(reason: LeaveReason, words?: string): void {
    this.dismissed = reason;
    this.words = words;
  }
  /** What it was told under this name, in order. */
  of(event: string): unknown[] {
    return this.told.flatMap(([name, arg]) => (name === event ? [arg] : []));
  }
  names(): string[] {
    return this.told.map(([name]) => name);
  }
}
