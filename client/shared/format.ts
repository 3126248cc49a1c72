/** `1:02:03` or `2:03`, from milliseconds. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** `2 days 1:02:03`, `2天 1:02:03`, `2:03`: until something that may be far away. */
export function formatRemaining(seconds: number, language: string): string {
  const days = Math.floor(seconds / 86_400);
  const rest = formatDuration((seconds % 86_400) * 1000);
  if (days === 0) return rest;
  return `${new Intl.NumberFormat(language, { style: 'unit', unit: 'day', unitDisplay: 'long' }).format(days)} ${rest}`;
}

/** `2.5 Mbit/s` or `380 kbit/s`, from bits a second. */
export function formatBitrate(bitsPerSecond: number): string {
  if (bitsPerSecond >= 1e6) return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
  return `${Math.round(bitsPerSecond / 1000)} kbit/s`;
}

/** `987`, `12K`, `1.2万`: as the language shortens large numbers. */
export function formatCount(count: number, language: string): string {
  return new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }).format(count);
}

/** `−6 dB`, `0 dB`, `+3 dB`. */
export function formatDecibels(db: number): string {
  return `${db > 0 ? '+' : db < 0 ? '−' : ''}${Math.abs(Math.round(db))} dB`;
}

/** One or two letters for a face without a picture: `Ada Lovelace` → `AL`, `小明` → `小`. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = [...(words[0] ?? '')][0] ?? '?';
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : '';
  return (first + last).toUpperCase();
}

/** A hue of 0 to 359 that stays the same for the same name. */
export function hueOf(name: string): number {
  let hash = 7;
  for (const char of name) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return hash % 360;
}
