import type { XmlElement } from '#formats/text/xml-read.ts';
import type { Context } from './context.ts';
import type { Xml } from './xml-out.ts';

/** One EWS operation. Its request has passed the schema of the version before `run` sees it. */
export interface Operation {
  /** Local name of the request element. */
  readonly request: string;
  /** What faults and limits call it: the element without `Request`. */
  readonly name: string;
  /** Oldest `RequestServerVersion` that has it. */
  readonly since: string;
  /** The body of the answer. */
  run(request: XmlElement, context: Context): Promise<Xml> | Xml;
  /** Answers envelope by envelope instead; the connection stays open between them. */
  stream?(request: XmlElement, context: Context): AsyncIterable<Xml>;
}
