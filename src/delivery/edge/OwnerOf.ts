/**
 * Which delivery node owns a broadcast, or, where none is named, the newest of the room: the base URL of its internal or public port, without
 * a slash at the end. null: none is known, and the room is not live as far as this node can tell.
 */
export type OwnerOf = (room: string, broadcast: string | undefined) => string | null;

/** One node owns everything (LIANMAI_DELIVERY_ORIGIN). */
export function oneOwner(url: string): OwnerOf {
  const origin = url.replace(/\/+$/, '');
  return () => origin;
}
