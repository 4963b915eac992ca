import { Refusal } from '../world/refusal.ts';
import type { Context } from './context.ts';
import { EwsError } from './ews-error.ts';
import { esc, type Xml } from './xml-out.ts';

/** One response message. */
export function success(name: string, content: Xml = ''): Xml {
  return [`<m:${name} ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>`, content, `</m:${name}>`];
}

/** Why something failed, as an EwsError; anything that is none is thrown on. */
export function asEwsError(thrown: unknown): EwsError {
  if (thrown instanceof EwsError) return thrown;
  if (thrown instanceof Refusal) return new EwsError(thrown.code, thrown.message);
  throw thrown;
}

export function failure(name: string, error: EwsError, content: Xml = ''): Xml {
  const values = Object.entries(error.values);
  const xml =
    values.length === 0
      ? ''
      : `<m:MessageXml>${values.map(([key, value]) => `<t:Value Name="${key}">${esc(value)}</t:Value>`).join('')}</m:MessageXml>`;
  return [
    `<m:${name} ResponseClass="Error"><m:MessageText>${esc(error.message)}</m:MessageText><m:ResponseCode>${error.code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>${xml}`,
    content,
    `</m:${name}>`,
  ];
}

export const responses = (operation: string, messages: readonly Xml[]): Xml => [
  `<m:${operation}Response><m:ResponseMessages>`,
  messages as Xml,
  `</m:ResponseMessages></m:${operation}Response>`,
];

/**
 * Carries out the entries of a request one after the other; what fails is answered in its place. Faults that strike inside a
 * batch strike here: a busy answer for one entry, or a server that gives up half-way.
 * @param empty what the schema wants in the message of an entry that failed.
 */
export async function batch<E>(
  context: Context,
  operation: string,
  entries: readonly E[],
  run: (entry: E) => Xml | Promise<Xml>,
  empty: Xml = '',
): Promise<Xml> {
  const name = `${operation}ResponseMessage`;
  const half =
    entries.length > 1 && context.strike('half-batch') !== null ? Math.floor(entries.length / 2) : entries.length;
  const messages: Xml[] = [];
  for (const [at, entry] of entries.entries()) {
    if (at >= half) {
      messages.push(failure(name, new EwsError('ErrorInternalServerTransientError'), empty));
      continue;
    }
    const busy = context.strike('item-busy');
    if (busy !== null) {
      messages.push(
        failure(
          name,
          new EwsError(
            'ErrorServerBusy',
            undefined,
            busy.ms === undefined ? {} : { BackOffMilliseconds: String(busy.ms) },
          ),
          empty,
        ),
      );
      continue;
    }
    try {
      messages.push(success(name, await run(entry)));
    } catch (thrown) {
      messages.push(failure(name, asEwsError(thrown), empty));
    }
  }
  return responses(operation, messages);
}
