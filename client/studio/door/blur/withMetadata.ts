/**
 * MediaPipe's tasks want to be told by the model's metadata how its input is normalised; the selfie segmentation's model is older than that. This
 * puts a new root before the model (TensorFlow Lite's schema.fbs, version 3) that has all that the old one has and the metadata beside
 * (metadata_schema.fbs of TensorFlow Lite Support). FlatBuffers' offsets only go forward, and so the model itself stays as it is.
 */
import { Builder } from 'flatbuffers';

/** Fields of the table `Model`. */
const MODEL = { version: 0, operatorCodes: 1, subgraphs: 2, description: 3, buffers: 4, metadata: 6, signatureDefs: 7 };
const MODEL_FIELDS = 8;
const IDENTIFIER = 'TFL3';
const METADATA_NAME = 'TFLITE_METADATA';
/** What the schema wants buffers to begin at. */
const ALIGNMENT = 16;

/** Unions of metadata_schema.fbs. */
const IMAGE_PROPERTIES = 2;
const NORMALIZATION_OPTIONS = 1;
const RGB = 1;

/** RGB from 0 to 255 becomes 0 to 1: what the model was trained with. */
function metadata(): Uint8Array {
  const builder = new Builder(256);
  const floats = (value: number): number => {
    builder.startVector(4, 1, 4);
    builder.addFloat32(value);
    return builder.endVector();
  };
  const tables = (table: number): number => {
    builder.startVector(4, 1, 4);
    builder.addOffset(table);
    return builder.endVector();
  };
  /** `[field, kind, value]`. */
  const table = (fields: number, ...values: [number, 'byte' | 'offset', number][]): number => {
    builder.startObject(fields);
    for (const [field, kind, value] of values)
      if (kind === 'byte') builder.addFieldInt8(field, value, 0);
      else builder.addFieldOffset(field, value, 0);
    return builder.endObject();
  };
  const normalization = table(2, [0, 'offset', floats(0)], [1, 'offset', floats(255)]);
  const unit = table(2, [0, 'byte', NORMALIZATION_OPTIONS], [1, 'offset', normalization]);
  const content = table(3, [0, 'byte', IMAGE_PROPERTIES], [1, 'offset', table(2, [0, 'byte', RGB])]);
  const input = table(7, [3, 'offset', content], [4, 'offset', tables(unit)]);
  const output = table(7);
  const subgraph = table(7, [2, 'offset', tables(input)], [3, 'offset', tables(output)]);
  builder.finish(table(8, [3, 'offset', tables(subgraph)]), 'M001');
  return builder.asUint8Array();
}

/** Writes tables and vectors one after the other; what is not known yet is filled in later. */
class Prefix {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  position = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
  }

  align(to: number): void {
    this.position = Math.ceil(this.position / to) * to;
  }

  u32(value: number): number {
    const at = this.position;
    this.view.setUint32(at, value, true);
    this.position += 4;
    return at;
  }

  u16(value: number): void {
    this.view.setUint16(this.position, value, true);
    this.position += 2;
  }

  put(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** An offset at `at` now leads to where the next thing is written. */
  here(at: number): void {
    this.to(at, this.position);
  }

  to(at: number, target: number): void {
    this.view.setUint32(at, target - at, true);
  }

  /** A table with these fields of four bytes each; where each of them is. */
  table(fields: number, present: readonly number[]): { start: number; at: Map<number, number> } {
    this.align(4);
    const vtable = this.position;
    this.u16(4 + 2 * fields);
    this.u16(4 + 4 * present.length);
    for (let field = 0; field < fields; field++) this.u16(present.includes(field) ? 4 + 4 * present.indexOf(field) : 0);
    this.align(4);
    const start = this.u32(this.position - vtable);
    return { start, at: new Map(present.map((field) => [field, this.u32(0)])) };
  }

  vector(targets: number): number[] {
    this.align(4);
    this.u32(targets);
    return Array.from({ length: targets }, () => this.u32(0));
  }
}

/** The model with metadata. Throws when it is no TensorFlow Lite model, or has metadata already. */
export function withMetadata(model: Uint8Array): Uint8Array {
  const old = new DataView(model.buffer, model.byteOffset, model.byteLength);
  if (String.fromCharCode(...model.subarray(4, 8)) !== IDENTIFIER) throw new Error('this is no TensorFlow Lite model');
  const root = old.getUint32(0, true);
  const vtable = root - old.getInt32(root, true);
  const vtableSize = old.getUint16(vtable, true);
  /** Where a field of the old root is; undefined: it has none. */
  const fieldAt = (field: number): number | undefined => {
    const entry = 4 + 2 * field;
    const offset = entry < vtableSize ? old.getUint16(vtable + entry, true) : 0;
    return offset === 0 ? undefined : root + offset;
  };
  const target = (at: number): number => at + old.getUint32(at, true);
  const elements = (field: number): number[] => {
    const at = fieldAt(field);
    if (at === undefined) return [];
    const start = target(at);
    return Array.from({ length: old.getUint32(start, true) }, (_, i) => target(start + 4 + 4 * i));
  };

  const description = metadata();
  const buffers = elements(MODEL.buffers);
  const entries = elements(MODEL.metadata);
  const length = 512 + 4 * (buffers.length + entries.length) + description.length;
  const prefix = new Prefix(Math.ceil(length / ALIGNMENT) * ALIGNMENT);
  const shift = prefix.bytes.length;
  const rootAt = prefix.u32(0);
  prefix.put(new TextEncoder().encode(IDENTIFIER));
  const kept = [MODEL.operatorCodes, MODEL.subgraphs, MODEL.description, MODEL.signatureDefs].filter(
    (field) => fieldAt(field) !== undefined,
  );
  const fields = [MODEL.version, MODEL.buffers, MODEL.metadata, ...kept];
  const { start, at } = prefix.table(MODEL_FIELDS, fields);
  const place = (field: number): number => at.get(field) ?? 0;
  prefix.to(rootAt, start);
  const versionAt = fieldAt(MODEL.version);
  prefix.view.setUint32(place(MODEL.version), versionAt === undefined ? 0 : old.getUint32(versionAt, true), true);
  for (const field of kept) prefix.to(place(field), shift + target(fieldAt(field) ?? 0));

  prefix.here(place(MODEL.buffers));
  const bufferAt = prefix.vector(buffers.length + 1);
  for (const [i, at] of buffers.entries()) prefix.to(bufferAt[i] ?? 0, shift + at);
  prefix.here(place(MODEL.metadata));
  const entryAt = prefix.vector(entries.length + 1);
  for (const [i, at] of entries.entries()) prefix.to(entryAt[i] ?? 0, shift + at);

  const buffer = prefix.table(1, [0]);
  prefix.to(bufferAt[buffers.length] ?? 0, buffer.start);
  // The bytes themselves are aligned, their length stands before them.
  prefix.align(ALIGNMENT);
  prefix.position += ALIGNMENT - 4;
  prefix.here(buffer.at.get(0) ?? 0);
  prefix.u32(description.length);
  prefix.put(description);

  const entry = prefix.table(2, [0, 1]);
  prefix.to(entryAt[entries.length] ?? 0, entry.start);
  prefix.view.setUint32(entry.at.get(1) ?? 0, buffers.length, true);
  prefix.align(4);
  prefix.here(entry.at.get(0) ?? 0);
  prefix.u32(METADATA_NAME.length);
  prefix.put(new TextEncoder().encode(METADATA_NAME));

  const whole = new Uint8Array(shift + model.length);
  whole.set(prefix.bytes);
  whole.set(model, shift);
  return whole;
}
