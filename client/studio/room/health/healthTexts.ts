/** The words of the health strip; loaded with the studio. */
import { textsOf } from '../../../shared/language.ts';
import { type HealthTextKey, healthEn } from '../../../shared/texts/health.en.ts';
import { healthZh } from '../../../shared/texts/health.zh.ts';
import type { Language } from '../../../shared/texts.ts';

export type { HealthTextKey };
export const HEALTH_TEXTS: Record<Language, Record<HealthTextKey, string>> = { en: healthEn, zh: healthZh };

/** As `t`. */
export const healthText = textsOf(HEALTH_TEXTS);
