/** The words of the captions form, in Simplified Chinese. */
import type { CaptionTextKey } from './captions.en.ts';

export const captionsZh: Record<CaptionTextKey, string> = {
  'captions.title': '字幕',
  'captions.line': '字幕内容',
  'captions.hint': '按回车键发送，新的一行会替换上一行。',
  'captions.hint.offAir': '开播前只显示在画面上。',
  'captions.send': '发送',
  'captions.takeOff': '撤下',
  'captions.now': '正在显示：{text}',
  'captions.none': '当前没有字幕。',
  'captions.place': '显示位置',
  'captions.place.both': '画面与字幕',
  'captions.place.viewers': '仅字幕',
  'captions.place.picture': '仅画面',
  'captions.stay': '停留时间',
  'captions.stay.read': '按阅读时间自动',
  'captions.stay.seconds': '{seconds} 秒',
  'captions.stay.next': '直到下一行',
  'captions.language': '语言',
  'captions.language.und': '不指定',
  'captions.language.next': '下次开播时生效',
};
