/** Pure: the images and sounds that a scene names, and whether they are there. */
import type { Asset } from '../contracts/assets.ts';
import { AppError } from '../contracts/errors.ts';
import type { AssetId, Scene } from '../contracts/scene.ts';

export interface NamedAsset {
  /** Where in the scene, as in an error's sentence. */
  path: string;
  id: AssetId;
  kind: 'image' | 'audio';
}

export function assetsOf(scene: Scene): NamedAsset[] {
  const named: NamedAsset[] = [];
  const add = (path: string, id: AssetId | null | undefined, kind: NamedAsset['kind']): void => {
    if (id) named.push({ path, id, kind });
  };
  add('logo.image', scene.logo?.image, 'image');
  add('backgroundImage', scene.backgroundImage, 'image');
  add('slateImage', scene.slateImage, 'image');
  add('music.sound', scene.music?.sound, 'audio');
  for (const [peer, { avatar }] of Object.entries(scene.people)) add(`people.${peer}.avatar`, avatar, 'image');
  return named;
}

/** Throws AppError `bad-request` that names what is not there, or is of another kind. */
export function checkAssets(scene: Scene, find: (id: AssetId) => Asset | undefined): void {
  for (const { path, id, kind } of assetsOf(scene)) {
    const asset = find(id);
    if (!asset) throw new AppError('bad-request', `${path}: there is no asset ${id}; upload it first`);
    if (!asset.type.startsWith(`${kind}/`))
      throw new AppError('bad-request', `${path}: the asset ${id} is ${asset.type}, not ${kind}/…`);
  }
}

/** As `checkAssets`, in a fleet: what another node has is taken over first. */
export async function requireAssets(
  scene: Scene,
  assets: { get: (id: AssetId) => Asset | undefined; gather: (ids: readonly AssetId[]) => Promise<void> },
): Promise<void> {
  await assets.gather(assetsOf(scene).map(({ id }) => id));
  checkAssets(scene, (id) => assets.get(id));
}
