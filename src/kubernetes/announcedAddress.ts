/** Which address browsers reach an SFU node at, when it runs on Kubernetes. In: a setting, or the API's Node object. Out: for announceAddress.ts. */
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** The API server answers within milliseconds or is not there; the kubelet starts the init container again. */
const ANSWER_LIMIT_MS = 10_000;

/** Of core/v1 Node, what is read. */
const Node = z.object({
  status: z.object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })).default([]) }),
});

export interface AddressSource {
  /** LIANMAI_ANNOUNCED_ADDRESS; wins when it is not empty. */
  setting: string;
  nodeName: string;
  /** Base URL of the Kubernetes API, and the token of a service account that may `get` nodes; asked only without a setting. */
  api: () => Promise<{ url: string; token: string }>;
}

/** Throws an Error whose message tells an operator what to do. */
export async function announcedAddress({ setting, nodeName, api }: AddressSource): Promise<string> {
  if (setting !== '') return setting;
  const { url, token } = await api();
  const answer = await fetch(`${url}/api/v1/nodes/${encodeURIComponent(nodeName)}`, {
    headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  if (!answer.ok) throw new Error(`the Kubernetes API answered ${answer.status} when asked for the node ${nodeName}`);
  const { addresses } = Node.parse(await answer.json()).status;
  const external = addresses.filter(({ type }) => type === 'ExternalIP').map(({ address }) => address);
  // A dual-stack node has one of each; media is received on IPv4 (LIANMAI_HOST is 0.0.0.0).
  const chosen = external.find((address) => ipaddr.IPv4.isValid(address)) ?? external[0];
  if (chosen === undefined)
    throw new Error(
      `the node ${nodeName} has no ExternalIP. Set LIANMAI_ANNOUNCED_ADDRESS to the address that browsers reach its host ports at, ` +
        'or run the SFU on nodes that have one.',
    );
  return chosen;
}
