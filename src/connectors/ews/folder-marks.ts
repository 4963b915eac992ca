import type { XmlElement } from '#formats/text/xml-read.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import type { FolderMark } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import type { Context, Glance } from '../contract.ts';
import { missing } from './answer-faults.ts';
import type { Answers, EwsClient } from './client.ts';
import { asSeenAt, readFolder } from './operations/folder-shape.ts';
import { getFolder } from './operations/get-folder.ts';

/** The marks of the folders that were asked for; those that are gone are left out. Throws FaultError for any other fault. */
export function marksIn(
  wanted: readonly FolderId[],
  { answers, serverTimeMs }: Answers<XmlElement>,
): ReadonlyMap<FolderId, FolderMark> {
  const marks = new Map<FolderId, FolderMark>();
  for (const [n, id] of wanted.entries()) {
    const answer = answers[n] ?? missing;
    if (isFault(answer) && answer.kind !== 'gone') throw new FaultError(answer);
    const seen = isFault(answer) ? null : readFolder(answer);
    if (seen === null) continue;
    const { mark, settling } = asSeenAt(seen, serverTimeMs).info;
    marks.set(id, settling === undefined ? { mark } : { mark, settling });
  }
  return marks;
}

/**
 * `Connector.glance` over EWS. What is still settling is so by the server's clock, which is not in the digest: such an answer gets none, so
 * that the next one is read however alike it is.
 */
export async function ewsGlance(
  client: EwsClient,
  address: string,
  folders: readonly FolderId[],
  before: string | null,
  context: Context,
): Promise<Glance | 'same'> {
  const request = { folders, properties: 'marks' as const };
  const answer = await client.callUnlessSame(getFolder, request, address, before, context);
  if (answer === 'same') return 'same';
  const marks = marksIn(folders, answer);
  const isSettled = [...marks.values()].every(({ settling }) => settling !== true);
  return { marks, digest: isSettled ? answer.digest : null };
}
