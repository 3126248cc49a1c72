/** What Redis answers, parsed: the scripts (scripts.ts) give texts only, since Redis cuts Lua's numbers to 64-bit integers and JSON's to 14 digits. */
import { z } from 'zod';
import { ENTRY_DATA, type EntryKind, type RawEntry } from '../entries.ts';
import type { Change, ClaimAnswer } from '../Store.ts';

const Int = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number);
const Kind = z.enum(Object.keys(ENTRY_DATA) as [EntryKind, ...EntryKind[]]);
const Text = z.string();

/** id, holder, fence, data, age of the data, beat, age of the beat. */
export const EntryReply = z.tuple([Text, Text, Int, Text, Int, Text, Int]);

export const rawOf = ([id, holder, fence, data, ageMs, beat, beatAgeMs]: z.output<typeof EntryReply>): RawEntry => ({
  ...{ id, holder, fence, data, ageMs, beat, beatAgeMs },
});

const Lost = z
  .tuple([z.literal('lost'), Text, Int])
  .transform(([outcome, holder, fence]) => ({ outcome, holder, fence }));

export const ClaimReply: z.ZodType<ClaimAnswer> = z.union([
  z.tuple([z.literal('mine'), Int]).transform(([outcome, fence]) => ({ outcome, fence })),
  z.tuple([z.literal('wait'), Int]).transform(([outcome, ms]) => ({ outcome, ms })),
  z
    .tuple([z.literal('held'), ...EntryReply._zod.def.items])
    .transform(([outcome, ...entry]) => ({ outcome, entry: rawOf(entry) })),
  Lost,
]);

export const RenewReply = z
  .tuple([
    Int,
    Int,
    z.union([z.literal('').transform(() => null), Int]),
    z.array(z.union([z.tuple([z.enum(['held', 'absent'])]).transform(([outcome]) => ({ outcome })), Lost])),
  ])
  .transform(([rev, highest, nextMs, answers]) => ({ rev, highest, nextMs, answers }));

export const ListReply = z
  .tuple([Int, Int, z.array(EntryReply)])
  .transform(([rev, settlingMs, entries]) => ({ rev, settlingMs, entries: entries.map(rawOf) }));

const ChangeArray = z.tuple([Int, Kind, Text, Text, Int, Text]);

/** JSON. */
export const ChangeMessage = z.string().transform((text, ctx): Change => {
  try {
    const [rev, kind, id, holder, fence, data] = ChangeArray.parse(JSON.parse(text));
    return { rev, kind, id, entry: { id, holder, fence, data } };
  } catch {
    ctx.addIssue({ code: 'custom', message: 'not a change' });
    return z.NEVER;
  }
});
