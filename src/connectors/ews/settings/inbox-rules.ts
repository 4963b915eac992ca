import { attribute, child, children, childText, type XmlElement } from '#formats/text/xml-read.ts';
import { rawXml, type XmlFragment, xml } from '#formats/text/xml-write.ts';
import type { FolderId } from '#model/ids.ts';
import type { InboxRule, InboxRules, RuleParts, RuleValue } from '#model/mailbox-settings.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';

/** A rule with the id that its server gave it. */
export interface SeenRule extends InboxRule {
  readonly id: string;
}

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/getinboxrules-operation */
export const getInboxRules: Operation<string, Omit<InboxRules, 'rules'> & { readonly rules: readonly SeenRule[] }> = {
  name: 'GetInboxRules',
  subject: aboutItems(false),
  whole: true,
  answers: () => 1,
  write: (address) => xml`<m:GetInboxRules><m:MailboxSmtpAddress>${address}</m:MailboxSmtpAddress></m:GetInboxRules>`,
  reader: () => ({
    read(answer) {
      const list = child(answer, messagesNamespace, 'InboxRules');
      return {
        rules: (list === null ? [] : children(list, typesNamespace, 'Rule')).map(readRule),
        hasOutlookRules: childText(answer, messagesNamespace, 'OutlookRuleBlobExists') === 'true',
      };
    },
  }),
};

function readRule(rule: XmlElement): SeenRule {
  const text = (name: string): string => childText(rule, typesNamespace, name)?.trim() ?? '';
  const parts = (name: string) => partsOf(child(rule, typesNamespace, name));
  const [conditions, exceptions, actions] = [parts('Conditions'), parts('Exceptions'), parts('Actions')];
  return {
    id: text('RuleId'),
    name: text('DisplayName'),
    order: Number.parseInt(text('Priority'), 10) || 0,
    isOn: text('IsEnabled') === 'true',
    isReadable: text('IsNotSupported') !== 'true' && conditions !== null && exceptions !== null && actions !== null,
    isBroken: text('IsInError') === 'true',
    conditions: conditions ?? {},
    exceptions: exceptions ?? {},
    actions: actions ?? {},
  };
}

/** Null: one of them is no value that could stand elsewhere. */
function partsOf(element: XmlElement | null): RuleParts | null {
  const parts: Record<string, RuleValue> = {};
  for (const part of element?.children ?? []) {
    const value = valueIn(part);
    if (value === null) return null;
    parts[part.name] = value;
  }
  return parts;
}

function valueIn(part: XmlElement): RuleValue | null {
  const [first] = part.children;
  if (first === undefined) return part.attributes.size > 0 ? null : part.text.trim();
  switch (first.name) {
    case 'String':
      return part.children.map(({ text }) => text);
    case 'Address':
      return part.children.map((one) => ({
        address: childText(one, typesNamespace, 'EmailAddress') ?? '',
        name: childText(one, typesNamespace, 'Name') ?? '',
      }));
    case 'FolderId': {
      const id = attribute(first, 'Id');
      return id === null ? null : { folder: id as FolderId };
    }
    default:
      return part.name.startsWith('Within')
        ? { range: Object.fromEntries(part.children.map(({ name, text }) => [name, text.trim()])) }
        : null;
  }
}

/** The schema wants parts in its order, which is that of the alphabet but for these. */
const placed: Readonly<Record<string, string>> = {
  MarkImportance: 'Mark 1',
  MarkAsRead: 'Mark 2',
  Sensitivity: 'SentZ',
};
function inOrder(parts: RuleParts): readonly (readonly [string, RuleValue])[] {
  const place = (name: string): string => placed[name] ?? name;
  return Object.entries(parts).sort(([a], [b]) => (place(a) < place(b) ? -1 : 1));
}

/** Names of parts come from an answer that a server gave, so they are names of elements; anything else is left out. */
const isName = (name: string): boolean => /^[A-Z][A-Za-z]{1,60}$/.test(name);

function writeParts(name: 'Conditions' | 'Exceptions' | 'Actions', parts: RuleParts): XmlFragment | null {
  const inner = inOrder(parts)
    .filter(([part]) => isName(part))
    .map(([part, value]) => wrapped(part, writeValue(value)));
  return inner.length === 0 ? null : wrapped(name, inner);
}

const wrapped = (name: string, inner: XmlFragment | readonly XmlFragment[]): XmlFragment =>
  xml`${rawXml(`<t:${name}>`)}${inner}${rawXml(`</t:${name}>`)}`;

function writeValue(value: RuleValue): XmlFragment {
  if (typeof value === 'string') return xml`${value}`;
  if ('folder' in value) return xml`<t:FolderId Id="${value.folder}"/>`;
  if ('address' in value)
    return xml`<t:Address><t:Name>${value.name}</t:Name><t:EmailAddress>${value.address}</t:EmailAddress></t:Address>`;
  if ('range' in value)
    return xml`${Object.entries(value.range)
      .filter(([bound]) => isName(bound))
      .map(([bound, text]) => wrapped(bound, xml`${text}`))}`;
  return xml`${value.map((one) => (typeof one === 'string' ? xml`<t:String>${one}</t:String>` : writeValue(one)))}`;
}

export interface RulesUpdate {
  readonly address: string;
  /** Ids of rules that go. */
  readonly removed: readonly string[];
  readonly made: readonly InboxRule[];
}

/** All of it or nothing. https://learn.microsoft.com/exchange/client-developer/web-service-reference/updateinboxrules-operation */
export const updateInboxRules: Operation<RulesUpdate, null> = {
  name: 'UpdateInboxRules',
  subject: aboutItems(true),
  whole: true,
  answers: () => 1,
  write: ({ address, removed, made }) =>
    xml`<m:UpdateInboxRules><m:MailboxSmtpAddress>${address}</m:MailboxSmtpAddress><m:RemoveOutlookRuleBlob>true</m:RemoveOutlookRuleBlob><m:Operations>${removed.map((id) => xml`<t:DeleteRuleOperation><t:RuleId>${id}</t:RuleId></t:DeleteRuleOperation>`)}${made.map(
      (rule, n) =>
        xml`<t:CreateRuleOperation><t:Rule><t:DisplayName>${rule.name}</t:DisplayName><t:Priority>${n + 1}</t:Priority><t:IsEnabled>${rule.isOn}</t:IsEnabled>${writeParts('Conditions', rule.conditions)}${writeParts('Exceptions', rule.exceptions)}${writeParts('Actions', rule.actions)}</t:Rule></t:CreateRuleOperation>`,
    )}</m:Operations></m:UpdateInboxRules>`,
  reader: () => ({ read: () => null }),
};
