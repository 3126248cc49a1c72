/** The words of the studio's view of the program; loaded with it. */
import { textsOf } from './language.ts';
import { type MonitorTextKey, monitorEn } from './texts/monitor.en.ts';
import { monitorZh } from './texts/monitor.zh.ts';
import type { Language } from './texts.ts';

export const MONITOR_TEXTS: Record<Language, Record<MonitorTextKey, string>> = { en: monitorEn, zh: monitorZh };

/** As `t`. */
export const monitorText = textsOf(MONITOR_TEXTS);
