/**
 * Tokens: JWTs (RFC 7519), HS256, one key per audience derived from the secret (HKDF, RFC 5869), `kid` = which of the live
 * secrets. The audience is always checked.
 */
import { z } from 'zod';
import { InvitationId, RoomId } from './ids.ts';

export const Role = z.enum(['host', 'cohost', 'audience']);
export type Role = z.infer<typeof Role>;

/** Who somebody is to the application that issued the token. Two joins with the same identity and a seat: the newer one wins. */
export const Identity = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@:-]{0,127}$/);

export const JoinClaims = z.object({
  aud: z.literal('join'),
  sub: Identity,
  room: RoomId,
  role: Role,
  /** The name to show; the client may choose one when it is absent. */
  name: z.string().min(1).max(64).optional(),
  /** It is an invitation's: no longer good when that is revoked. */
  invitation: InvitationId.optional(),
  /** When it expires, seconds since 1970 (RFC 7519, 4.1.4); the signer's to set. */
  exp: z.int().optional(),
});
export type JoinClaims = z.infer<typeof JoinClaims>;

export const ApiClaims = z.object({ aud: z.literal('api'), sub: Identity });
export type ApiClaims = z.infer<typeof ApiClaims>;

export const ServiceClaims = z.object({ aud: z.literal('service'), sub: Identity });
export type ServiceClaims = z.infer<typeof ServiceClaims>;

export const PlayClaims = z.object({ aud: z.literal('play'), sub: Identity, room: RoomId });
export type PlayClaims = z.infer<typeof PlayClaims>;

/** A guest of the chat (chat.ts): who they are is made up by the server, the name is their own choice. */
export const WatchClaims = z.object({
  aud: z.literal('watch'),
  sub: Identity,
  room: RoomId,
  name: z.string().min(1).max(64),
});
export type WatchClaims = z.infer<typeof WatchClaims>;

export const Claims = z.discriminatedUnion('aud', [JoinClaims, ApiClaims, ServiceClaims, PlayClaims, WatchClaims]);
export type Claims = z.infer<typeof Claims>;
export type Audience = Claims['aud'];
