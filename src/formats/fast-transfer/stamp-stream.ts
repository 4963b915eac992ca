import type { StampText } from '#model/stamp.ts';
import { stampProperty } from '../mapi-items/item-properties.ts';
import {
  findValue,
  type MessageStream,
  messageNodes,
  readStream,
  setProperties,
  writeStream,
} from './message-stream.ts';
import { StreamError } from './stream-error.ts';

function complete(bytes: Uint8Array): MessageStream {
  const stream = readStream(bytes);
  if (stream.problem !== null) throw new StreamError(stream.problem);
  return stream;
}

/**
 * An exported item of any kind with our stamp in it, so that the copy is recognised whatever happens to the answer. Nothing else of it
 * changes.
 *
 * @throws StreamError for a stream that cannot be read to its end: it must not be uploaded, since its copy could not be recognised
 */
export const stampStream = (bytes: Uint8Array, stamp: StampText): Buffer =>
  writeStream(setProperties(complete(bytes), [{ property: stampProperty, value: stamp }]));

/**
 * @returns null for an item that is no copy of ours
 * @throws StreamError
 */
export function stampOfStream(bytes: Uint8Array): StampText | null {
  const value = findValue(messageNodes(complete(bytes)), stampProperty);
  return typeof value === 'string' ? (value as StampText) : null;
}
