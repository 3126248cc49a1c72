import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import { hueOf, initials } from '../../../shared/format.ts';

/** Somebody without a picture. */
export function Face({ peer }: { peer: PeerInfo }) {
  return (
    <span class="face-small" style={{ '--hue': hueOf(peer.name) }} aria-hidden="true">
      {initials(peer.name)}
    </span>
  );
}
