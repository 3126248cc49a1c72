/** The words of what can be done about a failure. Apart from shared/texts.ts, so that who only watches does not load them. */
import { textsOf } from './language.ts';
import { type FailureTextKey, failuresEn } from './texts/failures.en.ts';
import { failuresZh } from './texts/failures.zh.ts';
import type { Language } from './texts.ts';

export type { FailureTextKey };
export const FAILURE_TEXTS: Record<Language, Record<FailureTextKey, string>> = { en: failuresEn, zh: failuresZh };

/** As `t`. */
export const failureText = textsOf(FAILURE_TEXTS);
