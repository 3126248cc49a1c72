import { randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A random id: the letter that names its kind, then 16 characters (82 bits). `p` peer, `b` broadcast, `c` compositor, `d` destination, `e` edge, `i` invitation, `q` who waits in the queue, `w` webhook event, `u` who counts use. */
export function newId(kind: 'p' | 'b' | 'c' | 'd' | 'e' | 'i' | 'q' | 'w' | 'u' | 't'): string {
  let id: string = kind;
  while (id.length < 17) {
    for (const byte of randomBytes(24)) if (byte < 252 && id.length < 17) id += ALPHABET[byte % 36];
  }
  return id;
}
