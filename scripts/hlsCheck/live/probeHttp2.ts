import { connect } from 'node:tls';
import type { Report } from '../rules/Findings.ts';

/** Whether a server with TLS offers HTTP/2 (ALPN, RFC 7301). Whose certificate it is matters not here. */
export async function probeHttp2(url: string, report: Report): Promise<void> {
  const { hostname, port } = new URL(url);
  const protocol = await new Promise<string | false | null>((resolve, reject) => {
    const ALPNProtocols = ['h2', 'http/1.1'];
    const socket = connect({ host: hostname, port: Number(port || 443), ALPNProtocols, rejectUnauthorized: false });
    socket.once('secureConnect', () => {
      resolve(socket.alpnProtocol);
      socket.destroy();
    });
    socket.once('error', reject);
  });
  if (protocol !== 'h2') report('http-2', `${protocol || 'nothing'} was chosen`);
}
