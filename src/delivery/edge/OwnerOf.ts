/**
 * Which delivery node owns a room's broadcast: the base URL of its internal or public port, without a slash at the end. null: none is
 * known, and the room is not live as far as this node can tell.
 */
export type OwnerOf = (room: string) => Promise<string | null>;

/** One node owns everything (LIANMAI_DELIVERY_ORIGIN). */
export function oneOwner(url: string): OwnerOf {
  const origin = url.replace(/\/+$/, '');
  return async () => origin;
}
