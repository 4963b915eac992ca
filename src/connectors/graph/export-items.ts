import type { Fault } from '#kit/fault.ts';
import type { ItemId, Version } from '#model/ids.ts';
import type { Context } from '../contract.ts';
import { missing } from '../ews/answer-faults.ts';
import { parts } from '../ews/batches.ts';
import { bareKey } from './change-keys.ts';
import { faultOf } from './faults.ts';
import type { IdKind } from './graph-client.ts';
import { splitItemId } from './item-ids.ts';
import { type JsonObject, objectAt, objectsAt, textAt } from './json.ts';
import type { MailboxTools } from './mailbox-tools.ts';

/** Items of one export (GDOC `api-reference/v1.0/api/mailbox-exportitems.md`). */
const exportMax = 20;

/** An item with everything that the server keeps of it. */
export interface Exported {
  readonly version: Version;
  /** The same as it was shown: an import that replaces the item wants it back. */
  readonly changeKey: string;
  readonly stream: Buffer;
}

/** Items as streams, 20 in a request, in the order of what was asked for. */
export async function exportItems(
  { client, address, adminPath }: MailboxTools,
  ids: readonly ItemId[],
  kind: IdKind,
  context: Context,
): Promise<readonly (Exported | Fault)[]> {
  if (ids.length === 0) return [];
  const path = `${await adminPath(context)}/exportItems`;
  const batches = await Promise.all(
    [...parts(ids, exportMax)].map(async (some) => {
      const serverIds = some.map((id) => splitItemId(id).serverId);
      const answer = await client.call(
        {
          method: 'POST',
          path,
          name: 'exportItems',
          subject: { writes: false, about: 'item' },
          ids: kind,
          body: { ItemIds: serverIds },
        },
        address,
        context,
      );
      return inOrder(serverIds, objectsAt(answer, 'value'));
    }),
  );
  return batches.flat();
}

/** By id where the answer names those that were asked for, otherwise by place: it may show another form of them. */
function inOrder(ids: readonly string[], answers: readonly JsonObject[]): readonly (Exported | Fault)[] {
  const byId = new Map(answers.map((one) => [textAt(one, 'itemId'), one] as const));
  const areNamed = ids.every((id) => byId.has(id));
  return ids.map((id, at) => {
    const answer = areNamed || answers.length !== ids.length ? byId.get(id) : answers[at];
    return answer === undefined ? missing : exportedOf(answer);
  });
}

function exportedOf(answer: JsonObject): Exported | Fault {
  const error = objectAt(answer, 'error');
  const data = textAt(answer, 'data');
  if (error !== null || data === null) {
    const code = error === null ? '' : (textAt(error, 'code') ?? textAt(error, 'message') ?? '');
    const known = /\bError[A-Za-z]+|NotFound/.exec(code)?.[0] ?? code;
    const body = { error: { code: known, message: code } };
    const status = /NotFound/i.test(known) ? 404 : 500;
    return faultOf({ status, headers: {}, body, what: 'exportItems', nowMs: 0 }, { writes: false, about: 'item' });
  }
  const changeKey = textAt(answer, 'changeKey') ?? '';
  return { version: bareKey(changeKey), changeKey, stream: Buffer.from(data, 'base64') };
}
