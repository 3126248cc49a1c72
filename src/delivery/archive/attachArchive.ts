import { partsPerSegment } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import type { BroadcastArchive } from './BroadcastArchive.ts';

/** From now on what the broadcast shows is written to the archive, and what its memory lets go of is read from there. */
export function attachArchive(broadcast: DeliveryBroadcast, archive: BroadcastArchive): void {
  const { store, inits } = broadcast;
  const ids = broadcast.renditions.map((r) => r.id);
  for (const id of ids) {
    const init = inits.get(id);
    if (init) archive.putInit(id, init.name, init.bytes);
  }
  store.setArchive(archive);
  broadcast.on('init', (id, { name, bytes }) => archive.putInit(id, name, bytes));
  broadcast.on('slate', (id, bytes) => archive.putSlate(id, bytes));
  store.on('replaced', (segment) => {
    // From its first part on: what there is of it is another compositor's.
    const parts = new Map(ids.map((id) => [id, store.stored(id, segment)]));
    for (let part = 0; part < partsPerSegment(broadcast.grid); part++) {
      const bytes = new Map<RenditionId, Buffer>();
      for (const id of ids) {
        const found = parts.get(id)?.[part];
        if (found) bytes.set(id, found);
      }
      archive.append(segment, part, bytes);
    }
  });
  store.on('visible', (segment, part) => {
    if (store.isTorn(segment)) return;
    const bytes = new Map<RenditionId, Buffer>();
    for (const id of ids) {
      const found = store.part(id, segment, part);
      if (found) bytes.set(id, found);
    }
    archive.append(segment, part, bytes);
  });
  archive.on('stored', () => archive.forgetBefore(store.retainedFrom));
}
