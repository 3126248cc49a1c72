/**
 * Invitations: links by which one person each may come into a room, until they expire or are revoked; and what a room keeps of whom it
 * lets in. An invitation is a `join` token that names its record here; without the record the token is worth nothing.
 */
import { z } from 'zod';
import { InvitationId } from './ids.ts';
import { Identity } from './tokens.ts';

/** A room's invitations that have not expired. */
export const MAX_INVITATIONS = 100;
/** People whom a room keeps out at the same time; past it those are let in again whose tokens expire first. */
export const MAX_REMOVED = 500;

const InvitedRole = z.enum(['cohost', 'audience']);

export const InvitationInput = z
  .object({
    role: InvitedRole.default('cohost'),
    /** Whom it is for: the name that they have in the room. Left out: they choose one. */
    name: z.string().trim().min(1).max(64).optional(),
    /** Seconds until it expires. */
    expiresInSeconds: z
      .int()
      .min(60)
      .max(30 * 86_400)
      .default(86_400),
  })
  .strict();
export type InvitationInput = z.infer<typeof InvitationInput>;

export const Invitation = z.object({
  id: InvitationId,
  role: InvitedRole,
  /** null: they choose one. */
  name: z.string().nullable(),
  /** ms since 1970. */
  createdAt: z.number(),
  expiresAt: z.number(),
});
export type Invitation = z.infer<typeof Invitation>;

/** The token is in this answer and never told again. */
export const InvitationAnswer = Invitation.extend({
  token: z.string(),
  /** Page to open, with the token in the fragment. */
  path: z.string(),
});
export type InvitationAnswer = z.infer<typeof InvitationAnswer>;
export const InvitationList = z.object({ invitations: z.array(Invitation) });

/** What a room keeps of whom it lets in. */
export const KeptDoor = z.object({
  /** Those whom a host has removed, until the token that they had expires, ms since 1970. */
  removed: z.array(z.object({ identity: Identity, until: z.number() })),
  invitations: z.array(Invitation),
});
export type KeptDoor = z.infer<typeof KeptDoor>;
