import { child, children, childText, descendants, parseXmlBytes, XmlFault } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { faultOfMessage, faultOfSoapFault, soapFaultIn } from '../faults.ts';
import { messagesNamespace, soapNamespace, typesNamespace } from '../namespaces.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { type Notification, readNotifications } from './notifications.ts';

/** One envelope of the never-ending answer. */
export interface StreamingEvents {
  readonly notifications: readonly Notification[];
  /** `OK` first, `Closed` last; null on the way. */
  readonly status: 'OK' | 'Closed' | null;
  /** Subscriptions that the server does not know (any more), and why. */
  readonly lost: readonly string[];
  readonly fault: Fault | null;
}

/**
 * Asks for what happens from now on to up to 200 subscriptions, for 1 to 30 minutes. The answer is a row of envelopes on one
 * connection, to be opened by `EwsClient.open` and read by `streamingEvents`.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/getstreamingevents-operation
 */
export const getStreamingEvents: Operation<
  { readonly subscriptionIds: readonly string[]; readonly timeoutMinutes: number },
  StreamingEvents
> = {
  name: 'GetStreamingEvents',
  subject: aboutFolders(false),
  answers: () => 1,
  write: ({ subscriptionIds, timeoutMinutes }) =>
    xml`<m:GetStreamingEvents><m:SubscriptionIds>${subscriptionIds.map((id) => xml`<t:SubscriptionId>${id}</t:SubscriptionId>`)}</m:SubscriptionIds><m:ConnectionTimeout>${timeoutMinutes}</m:ConnectionTimeout></m:GetStreamingEvents>`,
  reader: () => ({ read: readMessage }),
};

function readMessage(message: Parameters<typeof readNotifications>[0]): StreamingEvents {
  const status = childText(message, messagesNamespace, 'ConnectionStatus')?.trim();
  const lost = child(message, messagesNamespace, 'ErrorSubscriptionIds');
  return {
    notifications: readNotifications(message),
    status: status === 'OK' || status === 'Closed' ? status : null,
    lost: lost === null ? [] : children(lost, typesNamespace, 'SubscriptionId').map((id) => id.text.trim()),
    fault: faultOfMessage(message, getStreamingEvents.subject),
  };
}

/** One envelope at most this long: 200 subscriptions with a burst of events each. */
const envelopeBytesMax = 16 * 1024 * 1024;

/**
 * The envelopes of a streaming answer as they come, until it ends. Throws FaultError for a SOAP fault (nothing was opened) and
 * for bytes that are no envelopes; a connection that breaks off in the middle of one just ends.
 */
export async function* streamingEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamingEvents> {
  let held: Buffer = Buffer.alloc(0);
  let searched = 0;
  for await (const chunk of body) {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      const end = endOfEnvelope(held, searched);
      if (end === null) break;
      yield readEnvelope(held.subarray(0, end));
      held = held.subarray(end);
      searched = 0;
    }
    // The end tag may be cut: look again from where it could begin.
    searched = Math.max(0, held.length - 64);
    if (held.length > envelopeBytesMax) throw protocolFault(`an envelope of more than ${envelopeBytesMax} bytes`);
  }
}

/** After `</…Envelope>`, which can stand nowhere else: `<` is escaped in text. Null when it has not come yet. */
function endOfEnvelope(bytes: Buffer, from: number): number | null {
  for (let at = bytes.indexOf('Envelope', from, 'latin1'); at >= 0; at = bytes.indexOf('Envelope', at + 8, 'latin1')) {
    const open = bytes.lastIndexOf(0x3c, at);
    if (open < 0 || bytes[open + 1] !== 0x2f || !/^<\/(?:[\w.-]+:)?$/.test(bytes.toString('latin1', open, at)))
      continue;
    const close = bytes.indexOf(0x3e, at);
    if (close >= 0) return close + 1;
    return null;
  }
  return null;
}

function readEnvelope(bytes: Buffer): StreamingEvents {
  try {
    // White space between envelopes would stand before an XML declaration, where none may stand.
    const start = bytes.indexOf(0x3c);
    const { root } = parseXmlBytes(bytes.subarray(Math.max(start, 0)));
    const body = child(root, soapNamespace, 'Body');
    const soapFault = body === null ? null : soapFaultIn(body);
    if (soapFault !== null) throw new FaultError(faultOfSoapFault(soapFault, getStreamingEvents.subject));
    const [message] = descendants(root, messagesNamespace, 'GetStreamingEventsResponseMessage');
    if (message === undefined) throw protocolFault('an envelope without a response message');
    return readMessage(message);
  } catch (error) {
    if (error instanceof XmlFault) throw protocolFault(error.message);
    throw error;
  }
}

const protocolFault = (detail: string): FaultError =>
  new FaultError({ kind: 'fatal', code: 'protocol', detail: `streaming notifications: ${detail}` });
