/**
 * The scene: the wanted composition of a room's program. Public, declarative JSON; set whole, never patched.
 *
 * Lengths are fractions, so that one scene fits every size of program: `x` and `width` of the program's width, `y` and `height` of its
 * height, everything else of its shorter side. Which tile is where follows from it by src/layout, purely.
 */
import { z } from 'zod';
import { PeerId, SourceId } from './ids.ts';

/** An uploaded image or sound: the SHA-256 of its bytes, hexadecimal. What it names never changes. */
export const AssetId = z.string().regex(/^[0-9a-f]{64}$/, 'an asset id is 64 hexadecimal digits');
export type AssetId = z.infer<typeof AssetId>;

/** `#rrggbb`, sRGB. */
export const Color = z.string().regex(/^#[0-9a-f]{6}$/i, 'a colour is #rrggbb');

export const Corner = z.enum(['top-left', 'top-right', 'bottom-left', 'bottom-right']);
export type Corner = z.infer<typeof Corner>;

/** How loud a source is in the program, in decibels; 0 leaves it as it comes. */
export const VolumeDb = z.number().min(-60).max(12);

export const SourceSettings = z
  .object({
    volumeDb: VolumeDb.default(0),
    /** Out of the program's sound. */
    muted: z.boolean().default(false),
    /** While any source is solo, all that are not are out of the program's sound. */
    solo: z.boolean().default(false),
    /** Out of the program's picture. */
    hidden: z.boolean().default(false),
  })
  .strict();
export type SourceSettings = z.infer<typeof SourceSettings>;

export const PersonSettings = z
  .object({
    /** Out of the program's picture, camera, screen and placeholder. Still heard. */
    hidden: z.boolean().default(false),
    /** Shown in place of the name that the person joined with. */
    name: z.string().trim().min(1).max(64).optional(),
    /** A second, smaller line under the name. */
    title: z.string().trim().max(80).default(''),
    /** Shown in the placeholder tile in place of initials. */
    avatar: AssetId.nullable().default(null),
  })
  .strict();
export type PersonSettings = z.infer<typeof PersonSettings>;

export const Border = z.object({ width: z.number().min(0).max(0.05), color: Color.default('#ffffff') }).strict();
export type Border = z.infer<typeof Border>;
export const Fit = z.enum(['cover', 'contain']);
export type Fit = z.infer<typeof Fit>;

const Fraction = z.number().min(0).max(1);

export const CustomTile = z
  .object({
    /** A source; a person (camera or placeholder); or a place in the order of all tiles, from 0. Shown nowhere while it is not there. */
    show: z.union([SourceId, PeerId, z.int().min(0).max(31)]),
    x: Fraction,
    y: Fraction,
    width: z.number().min(0.01).max(1),
    height: z.number().min(0.01).max(1),
    /** Higher is in front; equal: the later of the list is. */
    z: z.int().min(-100).max(100).default(0),
    /** Default: cover for a camera, contain for a screen. */
    fit: Fit.optional(),
    /** Radius of the corners, of the tile's shorter side; 0.5 makes a disc of a square. Default: the scene's. */
    radius: z.number().min(0).max(0.5).optional(),
    /** Default: the scene's. */
    border: Border.nullable().optional(),
  })
  .strict()
  .refine((t) => t.x + t.width <= 1.0001 && t.y + t.height <= 1.0001, 'the tile reaches beyond the program');
export type CustomTile = z.infer<typeof CustomTile>;

const layout = <T extends string, S extends z.core.$ZodLooseShape>(type: T, shape: S) =>
  z.object({ type: z.literal(type), ...shape }).strict();

export const Layout = z.discriminatedUnion('type', [
  /** Everybody alike. */
  layout('grid', {}),
  /** Who speaks is large, the rest in a strip. A pin holds the large place. */
  layout('speaker', {}),
  /** The pinned one alone; the first where nothing is pinned. */
  layout('spotlight', {}),
  /** The pinned one (or the first) large, the rest in a column beside it (portrait: in rows below). */
  layout('sidebar', { side: z.enum(['left', 'right']).default('right') }),
  /** The pinned one (or the first) fills the program, the next one is small in a corner; who else there is, is heard. */
  layout('pip', { corner: Corner.default('bottom-right') }),
  /** The first two side by side (portrait: one above the other); who else there is, is heard. `share` is the first one's part. */
  layout('split', { share: z.number().min(0.2).max(0.8).default(0.5) }),
  /** A shared screen large, people beside it (portrait: below). Without a screen: as `grid`. */
  layout('screen', {}),
  layout('custom', { tiles: z.array(CustomTile).min(1).max(32) }),
]);
export type Layout = z.infer<typeof Layout>;
export type LayoutType = Layout['type'];

export const Logo = z
  .object({
    /** PNG, JPEG or SVG. */
    image: AssetId,
    corner: Corner.default('top-right'),
    /** Height. */
    size: z.number().min(0.02).max(0.5).default(0.1),
    opacity: z.number().min(0).max(1).default(1),
  })
  .strict();
export type Logo = z.infer<typeof Logo>;

/** How a change of the picture is shown; it begins at the frame from which the change holds. */
export const Transition = z
  .object({
    /** `smooth`: tiles move and grow to their new places, come and go by fading. `cut`: at once. */
    type: z.enum(['smooth', 'cut']).default('smooth'),
    ms: z.int().min(0).max(5000).default(300),
  })
  .strict();
export type Transition = z.infer<typeof Transition>;

export const Music = z
  .object({
    /** Any file that FFmpeg reads; looped, its position is a function of program time. */
    sound: AssetId,
    volumeDb: z.number().min(-60).max(0).default(-14),
    /** Lower by this much while somebody speaks, dB. */
    duckDb: z.number().min(0).max(40).default(12),
  })
  .strict();
export type Music = z.infer<typeof Music>;

/** People come and go; what was said of those who left may stay. The whole scene goes with each job. */
const MAX_ENTRIES = 256;
const TOO_MANY_ENTRIES = `at most ${MAX_ENTRIES} entries`;
const fewEntries = (record: object): boolean => Object.keys(record).length <= MAX_ENTRIES;

export const Scene = z
  .object({
    layout: Layout.default({ type: 'grid' }),
    /** While somebody shares a screen the layout is `screen`, whatever `layout` is; not for `custom` and `spotlight`. */
    autoScreen: z.boolean().default(true),
    /** Peers in the order of their tiles; peers that are not listed follow in the order in which they took their seat. */
    order: z.array(PeerId).max(16).default([]),
    /** The source, or the person, that a layout with one large place has there. */
    pin: z.union([SourceId, PeerId]).nullable().default(null),
    /** Only what differs from the defaults. */
    sources: z.record(SourceId, SourceSettings).refine(fewEntries, TOO_MANY_ENTRIES).default({}),
    /** Only what differs from the defaults. */
    people: z.record(PeerId, PersonSettings).refine(fewEntries, TOO_MANY_ENTRIES).default({}),
    /** Of all tiles but those of `custom` that say otherwise. */
    tiles: z
      .object({
        /** Between tiles, and around them where it is not 0. */
        gap: z.number().min(0).max(0.05).default(0),
        radius: z.number().min(0).max(0.5).default(0),
        border: Border.nullable().default(null),
      })
      .strict()
      .prefault({}),
    /** Each person's name in the tile. */
    names: z.boolean().default(true),
    marks: z
      .object({
        /** A crossed-out microphone in the tile of whoever cannot be heard. */
        muted: z.boolean().default(true),
        /** A frame around the tile of whoever speaks. */
        speaking: z.boolean().default(true),
      })
      .strict()
      .prefault({}),
    /** A banner at the bottom left: who this is, or what this is about. */
    lowerThird: z
      .object({ title: z.string().trim().min(1).max(80), subtitle: z.string().trim().max(120).default('') })
      .strict()
      .nullable()
      .default(null),
    /** A line of text over the bottom of the picture; empty: none. */
    captions: z.string().max(200).default(''),
    logo: Logo.nullable().default(null),
    /** Behind and between the tiles. */
    background: Color.default('#12141a'),
    /** Over `background`; fills the program as `cover` does. */
    backgroundImage: AssetId.nullable().default(null),
    /** The line on the slate while nobody is in the program. */
    slateText: z.string().max(120).default(''),
    /** In place of the drawn slate. */
    slateImage: AssetId.nullable().default(null),
    transition: Transition.prefault({}),
    loudness: z
      .object({
        /** Brings each person near the target; off: only volumes and the limiter. */
        automatic: z.boolean().default(true),
        targetLufs: z.number().min(-30).max(-10).default(-16),
      })
      .strict()
      .prefault({}),
    music: Music.nullable().default(null),
  })
  .strict();
export type Scene = z.infer<typeof Scene>;
export type SceneInput = z.input<typeof Scene>;

/** The version grows by one with each change; whoever sets a scene says which one they have seen. */
export interface VersionedScene {
  version: number;
  scene: Scene;
}
