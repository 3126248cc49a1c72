import { WebSocket } from 'ws';

/**
 * Connects without socket.io's client and sends one raw packet, or another CONNECT than an honest one. Resolves when the
 * server answers an event (43…), refuses the connection (44…) or closes it; a server that does neither hangs the test.
 */
export async function rawOutcome(
  url: string,
  token: string | undefined,
  packet: string | undefined,
  connectPacket?: string,
): Promise<'closed' | 'refused' | 'answered'> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  const seen = await new Promise<'closed' | 'refused' | 'answered'>((resolve, reject) => {
    ws.on('error', reject);
    ws.on('close', () => resolve('closed'));
    ws.on('message', (data) => {
      const text = String(data);
      if (text.startsWith('0')) ws.send(connectPacket ?? `40${JSON.stringify({ token, protocol: 1 })}`);
      else if (text.startsWith('44')) resolve('refused');
      else if (text.startsWith('40') && packet !== undefined) {
        ws.send(packet);
        // What is ignored is not answered: then at least the next event is.
        ws.send('4277["nothing"]');
      } else if (text.startsWith('43')) resolve('answered');
    });
  });
  ws.terminate();
  return seen;
}
