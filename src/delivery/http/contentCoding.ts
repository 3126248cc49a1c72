/** Which content coding a text is answered in (RFC 9110 section 12.5.3). Pure. */

export type Coding = 'br' | 'gzip' | 'identity';

/** Of two that a client likes alike, the smaller. */
const BY_SIZE: readonly Coding[] = ['br', 'gzip', 'identity'];

/** The client's favourite of ours. Where it takes none of them, not even `identity`, it gets that: better than nothing. */
export function chooseCoding(acceptEncoding: string | undefined): Coding {
  if (!acceptEncoding) return 'identity';
  const qualities = parse(acceptEncoding);
  const rest = qualities.get('*');
  // What is not mentioned is not wanted, but for `identity`, which is the last resort.
  const qualityOf = (coding: Coding): number =>
    qualities.get(coding) ?? rest ?? (coding === 'identity' ? Number.MIN_VALUE : 0);
  let best: Coding = 'identity';
  let bestQuality = 0;
  for (const coding of BY_SIZE) {
    const quality = qualityOf(coding);
    if (quality > bestQuality) [best, bestQuality] = [coding, quality];
  }
  return best;
}

function parse(header: string): Map<string, number> {
  const qualities = new Map<string, number>();
  for (const item of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';').map((text) => text.trim());
    const weight = parameters.find((p) => p.startsWith('q='))?.slice(2);
    const quality = weight === undefined ? 1 : Number(weight);
    if (name !== '') qualities.set(name === 'x-gzip' ? 'gzip' : name, Number.isNaN(quality) ? 0 : quality);
  }
  return qualities;
}
