import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** As it came over the wire: still compressed. */
  body: Buffer;
}

/** One HTTP/1.1 exchange with nothing added and nothing decoded, which `fetch` does both. Any certificate is good enough. */
export function httpGet(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body?: string,
): Promise<RawAnswer> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, rejectUnauthorized: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** The same with a JSON body. */
export const httpSend = (
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<RawAnswer> => httpGet(url, { ...headers, 'content-type': 'application/json' }, method, JSON.stringify(body));

/** The code in one of our error answers. */
export const errorOf = ({ status, body }: RawAnswer): string =>
  `${status} ${(JSON.parse(body.toString()) as { error: { code: string } }).error.code}`;
