/** Attribute lists, strictly (draft section 4.2). In: the text behind a tag's colon. Out: names and typed values. */
import type { Report } from '../rules/Findings.ts';

export type ValueType =
  | 'integer'
  | 'float'
  | 'signed-float'
  | 'hex'
  | 'quoted'
  | 'enum'
  | 'resolution'
  /** CLOSED-CAPTIONS: a quoted string, or the word NONE. */
  | 'quoted-or-none';

export interface AttributeForm {
  type: ValueType;
  required?: boolean;
  /** All values of an enumerated string. */
  choice?: readonly string[];
}

export type AttributeForms = Readonly<Record<string, AttributeForm>>;

/** Values as they are meant: a quoted string without its quotes. */
export type Attributes = ReadonlyMap<string, string>;

const PAIR = /^([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)/;
const FORMS: Record<ValueType, RegExp> = {
  integer: /^\d{1,20}$/,
  float: /^\d+(\.\d+)?$/,
  'signed-float': /^-?\d+(\.\d+)?$/,
  hex: /^0[xX][0-9A-F]+$/,
  quoted: /^"[^"\r\n]*"$/,
  enum: /^[^",\s]+$/,
  resolution: /^\d+x\d+$/,
  'quoted-or-none': /^("[^"\r\n]*"|NONE)$/,
};
/** SCTE-35 and other owners' attributes of a date range (draft section 4.4.5.1). */
const EXTENSION = /^(X-|SCTE35-)/;

export function parseAttributes(text: string, forms: AttributeForms, report: Report): Attributes {
  const values = new Map<string, string>();
  for (let rest = text; rest !== ''; ) {
    const [pair, name, value] = PAIR.exec(rest) ?? [];
    if (pair === undefined || name === undefined || value === undefined) {
      report('attribute-syntax', `'${rest.slice(0, 80)}'`);
      break;
    }
    rest = rest.slice(pair.length);
    if (pair.endsWith(',') && rest === '') report('attribute-syntax', 'a comma at the end');
    if (values.has(name)) report('attribute-once', name);
    const form = forms[name];
    if (form) checkValue(name, value, form, report);
    else if (!EXTENSION.test(name)) report('tag-known', `attribute ${name}`);
    values.set(name, value.replace(/^"(.*)"$/, '$1'));
  }
  for (const [name, { required }] of Object.entries(forms))
    if (required && !values.has(name)) report('attribute-required', name);
  return values;
}

function checkValue(name: string, value: string, { type, choice }: AttributeForm, report: Report): void {
  if (!FORMS[type].test(value)) report('attribute-type', `${name}=${value} is no ${type}`);
  else if (type === 'integer' && BigInt(value) > 2n ** 64n - 1n) report('attribute-type', `${name} is above 2^64-1`);
  else if (choice && !choice.includes(value)) report('attribute-choice', `${name}=${value}`);
}
