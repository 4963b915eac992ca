import { parseXmlBytes, type XmlElement } from '#formats/text/xml-read.ts';
import type { ItemContent } from './item.ts';
import type { Mailbox } from './mailbox.ts';
import { key } from './property.ts';

/** What an inbox rule sends, and to whom. */
export interface RuleSending {
  readonly to: readonly string[];
  /** Redirected mail keeps its sender; what is forwarded comes from the mailbox. */
  readonly kind: 'forward' | 'redirect';
}

const types = 'http://schemas.microsoft.com/exchange/services/2006/types';
const childOf = (of: XmlElement, name: string): XmlElement | undefined => of.children.find((one) => one.name === name);
const textOf = (of: XmlElement | undefined, name: string): string =>
  (of === undefined ? undefined : childOf(of, name))?.text.trim() ?? '';

/**
 * What the rules of a mailbox send on of a message, in the order of the rules. Of their conditions only words in the subject and the sender are
 * looked at; a rule with others does nothing here.
 */
export function ruleSendings(mailbox: Mailbox, content: ItemContent): readonly RuleSending[] {
  const stored = mailbox.settings.get('rules');
  if (stored === undefined || stored === '') return [];
  const rules = [...parseXmlBytes(Buffer.from(`<r xmlns:t="${types}">${stored}</r>`)).root.children];
  const priority = (rule: XmlElement): number => Number(textOf(rule, 'Priority') || '0');
  const sendings: RuleSending[] = [];
  for (const rule of rules.sort((a, b) => priority(a) - priority(b))) {
    if (textOf(rule, 'IsEnabled') === 'false' || !matches(childOf(rule, 'Conditions'), content)) continue;
    const actions = childOf(rule, 'Actions');
    for (const [name, kind] of [
      ['ForwardToRecipients', 'forward'],
      ['ForwardAsAttachmentToRecipients', 'forward'],
      ['RedirectToRecipients', 'redirect'],
    ] as const) {
      const list = actions === undefined ? undefined : childOf(actions, name);
      const to = (list?.children ?? [])
        .map((one) => textOf(one, 'EmailAddress').toLowerCase())
        .filter((one) => one !== '');
      if (to.length > 0) sendings.push({ to, kind });
    }
    if (textOf(actions, 'StopProcessingRules') === 'true') break;
  }
  return sendings;
}

function matches(conditions: XmlElement | undefined, content: ItemContent): boolean {
  const subject = String(content.properties.get(key.subject)?.value ?? '').toLowerCase();
  const from = content.from?.address.toLowerCase() ?? '';
  return (conditions?.children ?? []).every((condition) => {
    if (condition.name === 'ContainsSubjectStrings')
      return condition.children.some((one) => subject.includes(one.text.trim().toLowerCase()));
    if (condition.name === 'FromAddresses')
      return condition.children.some((one) => textOf(one, 'EmailAddress').toLowerCase() === from);
    return false;
  });
}
