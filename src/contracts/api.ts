/** The HTTP API's bodies and answers. `/openapi.json` is generated from these. */
import { z } from 'zod';
import { BroadcastStatus } from './broadcast.ts';
import { FrameNumber, PeerId, RoomId, SourceKind } from './ids.ts';
import { Scene } from './scene.ts';
import { Identity, Role } from './tokens.ts';

/** How long a token is good for, seconds. */
const TokenSeconds = z
  .int()
  .min(10)
  .max(30 * 86_400)
  .default(12 * 3600);

export const TokenInput = z
  .object({
    role: Role.default('audience'),
    /** Who it is for; a new random identity when absent. */
    identity: Identity.optional(),
    name: z.string().trim().min(1).max(64).optional(),
    /** Seconds until it expires. */
    expiresInSeconds: TokenSeconds,
  })
  .strict();
export const TokenAnswer = z.object({
  token: z.string(),
  identity: Identity,
  expiresAt: z.number(),
  /** Page to open, with the token in the fragment. */
  path: z.string(),
});

export const PlayTokenInput = z
  .object({
    /** Whom it is for; a new random identity when absent. */
    identity: Identity.optional(),
    /** Seconds until it expires: then the player is refused, in the middle of the show, too. */
    expiresInSeconds: TokenSeconds,
  })
  .strict();
export const PlayTokenAnswer = z.object({
  token: z.string(),
  identity: Identity,
  expiresAt: z.number(),
  /** Page to open, with the token in the fragment. */
  path: z.string(),
  /** Path of the multivariant playlist for any player, with the token in it. */
  playlist: z.string(),
});

export const PeerSummary = z.object({
  id: PeerId,
  name: z.string(),
  role: Role,
  seated: z.boolean(),
  presence: z.enum(['here', 'away']),
  /** Has a seat and is not in the program. */
  offProgram: z.boolean().default(false),
  sources: z.array(z.object({ kind: SourceKind, paused: z.boolean() })),
});
export const RoomSummary = z.object({
  id: RoomId,
  createdAt: z.number(),
  peers: z.array(PeerSummary),
  scene: z.object({ version: z.int(), scene: Scene }),
  broadcast: BroadcastStatus.nullable(),
});
export type RoomSummary = z.infer<typeof RoomSummary>;

export const SceneAnswer = z.object({
  version: z.int(),
  scene: Scene,
  /**
   * The frame of the program from which it holds. null: the room is not live (it will begin with this scene), or its compositor is
   * being replaced just now (the next one begins with it).
   */
  fromFrame: FrameNumber.nullable(),
});

export const ErrorAnswer = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
