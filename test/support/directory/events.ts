/** Waiting for what the directory tells, never for time. */

import type { Entry, EntryKind } from '../../../src/directory/entries.ts';
import type { Lease, NewerOwner } from '../../../src/directory/Lease.ts';
import type { View } from '../../../src/directory/View.ts';

/** Resolves as soon as the view has, or does not have, such an entry. */
export function untilView<K extends EntryKind>(view: View<K>, is: (entries: Entry<K>[]) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!is(view.entries)) return;
      view.off('changed', look);
      view.off('gone', look);
      resolve();
    };
    view.on('changed', look);
    view.on('gone', look);
    look();
  });
}

export function untilLost(lease: Lease<never> | Lease): Promise<NewerOwner> {
  return new Promise((resolve) => (lease as Lease).once('lost', resolve));
}
