/**
 * RTP payload format for H.264 (RFC 6184), packetization modes 0 and 1: single NAL units, STAP-A and FU-A in; Annex B access
 * units out, with the newest SPS and PPS before each IDR picture. STAP-B, MTAP and FU-B (mode 2) are not used by browsers.
 */
import type { CodecFrame, FrameStart, VideoCodec } from './VideoCodec.ts';

const NAL = { slice: 1, idr: 5, sps: 7, pps: 8, delimiter: 9, lastSingle: 23, stapA: 24, fuA: 28 } as const;
const START_CODE = Buffer.from([0, 0, 0, 1]);
const NOTHING = Buffer.alloc(0);
const FU_START = 0x80;
const FU_END = 0x40;
/** Parameter sets kept of each kind: the standard allows 32 SPS. */
const MAX_PARAMETER_SETS = 32;

const nalType = (octet: number | undefined): number => (octet ?? 0) & 0x1f;

/** The NAL units of a STAP-A (section 5.7.1); null where a length goes beyond the payload. */
function aggregated(payload: Buffer): Buffer[] | null {
  const units: Buffer[] = [];
  let at = 1;
  while (at < payload.length) {
    if (at + 2 > payload.length) return null;
    const length = payload.readUInt16BE(at);
    at += 2;
    if (at + length > payload.length) return null;
    if (length > 0) units.push(payload.subarray(at, at + length));
    at += length;
  }
  return units;
}

/** Types of the NAL units that begin in this payload. */
function typesIn(payload: Buffer): number[] {
  const type = nalType(payload[0]);
  if (type === NAL.stapA) return (aggregated(payload) ?? []).map((unit) => nalType(unit[0]));
  if (type === NAL.fuA) return (payload[1] ?? 0) & FU_START ? [nalType(payload[1])] : [];
  return type >= NAL.slice && type <= NAL.lastSingle ? [type] : [];
}

/** The NAL units of one access unit; null where fragments do not fit together. */
function unitsOf(payloads: readonly Buffer[]): Buffer[] | null {
  const units: Buffer[] = [];
  let fragments: Buffer[] | null = null;
  for (const payload of payloads) {
    const type = nalType(payload[0]);
    if (type === NAL.fuA) {
      if (payload.length < 3) return null;
      const header = payload[1] ?? 0;
      if (header & FU_START) fragments = [Buffer.from([((payload[0] ?? 0) & 0xe0) | (header & 0x1f)])];
      if (!fragments) return null;
      fragments.push(payload.subarray(2));
      if (header & FU_END) {
        units.push(Buffer.concat(fragments));
        fragments = null;
      }
      continue;
    }
    if (fragments) return null;
    if (type === NAL.stapA) {
      const inner = aggregated(payload);
      if (!inner) return null;
      units.push(...inner);
    } else if (type >= NAL.slice && type <= NAL.lastSingle) units.push(payload);
  }
  return fragments ? null : units;
}

const annexB = (units: readonly Buffer[]): Buffer => Buffer.concat(units.flatMap((unit) => [START_CODE, unit]));

/** Holds the parameter sets of one stream. */
export class H264Codec implements VideoCodec {
  readonly exactStart = false;
  /** By id, the newest content. */
  readonly #sps = new Map<number, Buffer>();
  readonly #pps = new Map<number, Buffer>();

  /** `spropParameterSets`: from `a=fmtp`, base64 NAL units with commas between (RFC 6184 section 8.1). */
  constructor(spropParameterSets?: string) {
    for (const set of spropParameterSets?.split(',') ?? []) this.#remember(Buffer.from(set, 'base64'));
  }

  startOf(payload: Buffer): FrameStart {
    const types = typesIn(payload);
    if (types.includes(NAL.sps) || types.includes(NAL.delimiter)) return 'yes';
    return types.length > 0 ? 'maybe' : 'no';
  }

  startsKeyFrame(payload: Buffer): boolean {
    const types = typesIn(payload);
    return types.includes(NAL.sps) || types.includes(NAL.idr);
  }

  assemble(payloads: readonly Buffer[]): CodecFrame | null {
    const units = unitsOf(payloads);
    if (!units || units.length === 0) return null;
    let keyFrame = false;
    let picture = false;
    const withoutSets: Buffer[] = [];
    for (const unit of units) {
      const type = nalType(unit[0]);
      if (type === NAL.sps || type === NAL.pps) {
        this.#remember(unit);
        continue;
      }
      if (type === NAL.idr) keyFrame = true;
      if (type >= NAL.slice && type <= NAL.idr) picture = true;
      withoutSets.push(unit);
    }
    if (!picture) return { data: NOTHING, keyFrame: false, continuous: true };
    if (!keyFrame) return { data: annexB(units), keyFrame, continuous: true };
    if (this.#sps.size === 0 || this.#pps.size === 0) return null;
    const delimiter = nalType(withoutSets[0]?.[0]) === NAL.delimiter ? withoutSets.splice(0, 1) : [];
    const data = annexB([...delimiter, ...this.#sps.values(), ...this.#pps.values(), ...withoutSets]);
    return { data, keyFrame, continuous: true };
  }

  #remember(unit: Buffer): void {
    const type = nalType(unit[0]);
    const sets = type === NAL.sps ? this.#sps : type === NAL.pps ? this.#pps : null;
    if (!sets || unit.length < 4) return;
    const id = type === NAL.sps ? unsignedGolomb(unit, 32) : unsignedGolomb(unit, 8);
    if (id === null) return;
    if (!sets.has(id) && sets.size >= MAX_PARAMETER_SETS) sets.clear();
    sets.set(id, unit);
  }
}

/** ue(v) at a bit position (ITU-T H.264 section 9.1); null beyond the end. The ids of parameter sets are below 256. */
function unsignedGolomb(unit: Buffer, bitAt: number): number | null {
  const bit = (at: number): number => ((unit[at >>> 3] ?? 0) >>> (7 - (at & 7))) & 1;
  const bits = unit.length * 8;
  let zeros = 0;
  while (bitAt + zeros < bits && bit(bitAt + zeros) === 0) zeros++;
  if (zeros > 8 || bitAt + 2 * zeros >= bits) return null;
  let value = 0;
  for (let i = 0; i <= zeros; i++) value = value * 2 + bit(bitAt + zeros + i);
  return value - 1;
}
