import type { Role } from '../../src/contracts/tokens.ts';
import { ProblemError } from './problems.ts';
import { tab } from './storage.ts';

const key = (room: string) => `token.${room}`;
const playKey = (room: string) => `play.${room}`;

/** The token in a path `/watch/~TOKEN/ROOM`. */
export const playTokenOfPath = (path: string): string | undefined => /^\/watch\/~([\w.-]+)\//.exec(path)?.[1];

/** The token in a fragment `#token=…`; other entries of the fragment are left out. */
export function tokenOfFragment(hash: string): string | undefined {
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('token');
  return token ? token : undefined;
}

/**
 * Takes the join token out of the address, so that it is neither shown, bookmarked nor shared by accident, and keeps it for
 * this tab. Answers the token that is kept when the address has none.
 */
export function takeToken(room: string): string | undefined {
  const fresh = tokenOfFragment(location.hash);
  if (fresh) {
    keepToken(room, fresh);
    history.replaceState(history.state, '', location.pathname + location.search);
  }
  return fresh ?? tab.get(key(room));
}

/**
 * The playback token of a page with a player, out of the fragment or the path (`/watch/~TOKEN/ROOM`), which it is taken from like a join
 * token. Answers the one that this tab keeps when the address has none.
 */
export function takePlayToken(room: string): string | undefined {
  const inPath = playTokenOfPath(location.pathname);
  const inFragment = tokenOfFragment(location.hash);
  const fresh = inPath ?? (inFragment && claimsOf(inFragment).audience === 'play' ? inFragment : undefined);
  if (fresh) {
    tab.set(playKey(room), fresh);
    history.replaceState(
      history.state,
      '',
      `${inPath ? `/watch/${room}` : location.pathname}${location.search}${inPath ? location.hash : ''}`,
    );
  }
  return fresh ?? tab.get(playKey(room));
}

/** What the server does not let in is not shown to it again. */
export const forgetPlayToken = (room: string): void => tab.remove(playKey(room));

export const keepToken = (room: string, token: string): void => tab.set(key(room), token);
export const forgetToken = (room: string): void => tab.remove(key(room));

/** What the token itself says of its owner, for the words on the page only: the server alone decides what is allowed. */
export function claimsOf(token: string): { role?: Role; name?: string; audience?: string; identity?: string } {
  try {
    const payload = token.split('.')[1] ?? '';
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return {
      ...(claims.role === 'host' || claims.role === 'cohost' || claims.role === 'audience'
        ? { role: claims.role }
        : {}),
      ...(typeof claims.name === 'string' ? { name: claims.name } : {}),
      ...(typeof claims.aud === 'string' ? { audience: claims.aud } : {}),
      ...(typeof claims.sub === 'string' ? { identity: claims.sub } : {}),
    };
  } catch {
    return {};
  }
}

/** The person's own identity in this tab, so that a renewed token is the same person. */
function identity(): string {
  const kept = tab.get('identity');
  if (kept) return kept;
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  const made = `web-${Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')}`;
  tab.set('identity', made);
  return made;
}

/** This tab asked for the token by itself: nobody invited it. */
export function isOwnToken(token: string): boolean {
  const { identity } = claimsOf(token);
  return identity !== undefined && identity === tab.get('identity');
}

export interface TokenWish {
  role: Role;
  name?: string | undefined;
}

/** Asks the server for a join token; only a server without a secret gives one to a page. */
export async function requestToken(room: string, wish: TokenWish): Promise<string> {
  let response: Response;
  try {
    response = await fetch(`/v1/rooms/${room}/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        role: wish.role,
        identity: identity(),
        ...(wish.name ? { name: wish.name } : {}),
      }),
    });
  } catch (cause) {
    throw new ProblemError('server-unreachable', '', { cause });
  }
  if (response.status === 401 || response.status === 403) throw new ProblemError('invitation-needed');
  const body = (await response.json().catch(() => ({}))) as { token?: unknown; error?: { message?: unknown } };
  if (!response.ok || typeof body.token !== 'string')
    throw new ProblemError('server-error', String(body.error?.message ?? response.status));
  return body.token;
}

/** Whether the room has a host already; false when nobody is in it or the server does not tell. */
export async function hasHost(room: string): Promise<boolean> {
  try {
    const response = await fetch(`/v1/rooms/${room}`);
    if (!response.ok) return false;
    const summary = (await response.json()) as { peers?: { role?: unknown }[] };
    return summary.peers?.some((peer) => peer.role === 'host') ?? false;
  } catch {
    return false;
  }
}
