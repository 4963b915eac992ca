import type { MeetingResponse } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { Day } from '#model/wall-time.ts';
import { journal, type MergeContext, type Verdict, verdict } from './merge-context.ts';
import { isAnswer, isChanged, type Levels, own, pick } from './merge-level.ts';
import { canonical, sameJson } from './shown.ts';

/** The person's own answer and its time are one value, and the later answer counts. */
export function mergeResponse(
  context: MergeContext,
  day: Day | null,
  levels: Levels,
): {
  readonly fields: Readonly<Record<string, { readonly left: unknown; readonly right: unknown }>>;
  /** Without a base: the one side that was answered; null: both or none. */
  readonly answered: Side | null;
} {
  const rows = typedRows(context.kind);
  const [responseRow, timeRow] = [rows['myResponse'], rows['myResponseAt']];
  if (!responseRow || !timeRow) return { fields: {}, answered: null };
  const responses = own(levels, 'myResponse') as {
    left: MeetingResponse | undefined;
    right: MeetingResponse | undefined;
  };
  const times = own(levels, 'myResponseAt') as { left: number | null | undefined; right: number | null | undefined };
  const both = { myResponse: responses, myResponseAt: times };
  const answers = { left: isAnswer(responses.left), right: isAnswer(responses.right) };
  const answered: Side | null = answers.left === answers.right ? null : answers.left ? 'left' : 'right';
  const result = (winner: Side) => ({
    fields: { myResponse: pick(levels, winner, 'myResponse'), myResponseAt: pick(levels, winner, 'myResponseAt') },
    answered: context.hasBase ? null : answered,
  });
  const keep = { fields: both, answered: context.hasBase ? null : answered };
  const response = isChanged(levels, 'myResponse', responseRow);
  const time = isChanged(levels, 'myResponseAt', timeRow);
  const changed = { left: response.left || time.left, right: response.right || time.right };
  const equal =
    responses.left === responses.right &&
    sameJson(canonical('myResponseAt', timeRow, times.left), canonical('myResponseAt', timeRow, times.right));
  if (equal || (!changed.left && !changed.right)) return keep;
  if (changed.left !== changed.right) return result(changed.left ? 'left' : 'right');
  // Whose copy it is, is no answer.
  if ((responses.left === 'organizer') !== (responses.right === 'organizer')) return keep;
  const by = responseVerdict(context, times, answered);
  if (responses.left !== responses.right && (context.hasBase || answered === null)) {
    journal(context, by, 'myResponse', day, { base: levels.left.base?.['myResponse'], ...responses });
  }
  return result(by.winner);
}

function responseVerdict(
  context: MergeContext,
  times: { readonly left: number | null | undefined; readonly right: number | null | undefined },
  answered: Side | null,
): Verdict {
  if (answered) return { winner: answered, outcome: 'response-newer', why: 'the person answered there only' };
  const left = times.left ?? Number.NEGATIVE_INFINITY;
  const right = times.right ?? Number.NEGATIVE_INFINITY;
  if (left === right) return verdict(context, 'myResponse');
  const winner = left > right ? 'left' : 'right';
  return { winner, outcome: 'response-newer', why: `the answer on the ${winner} is later` };
}
