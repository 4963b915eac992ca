import { createHash } from 'node:crypto';
import { parseXmlBytes, type XmlElement } from '#formats/text/xml-read.ts';
import type { Mailbox } from '../../world/mailbox.ts';
import { asEwsError } from '../answer.ts';
import type { Context } from '../context.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { child, childText, isTrue, kids, serialize } from '../request.ts';
import { declarations, esc, type Xml } from '../xml-out.ts';

/** Under these names a mailbox keeps its rules: `t:Rule` elements in the order of priority, and whether Outlook keeps some of its own. */
const rulesSetting = 'rules';
const outlookRulesSetting = 'outlook-rules';

function rulesOf(mailbox: Mailbox): readonly XmlElement[] {
  const stored = mailbox.settings.get(rulesSetting) ?? '';
  return parseXmlBytes(Buffer.from(`<rules ${declarations}>${stored}</rules>`)).root.children;
}

function ownMailbox(request: XmlElement, context: Context): Mailbox {
  const mailbox = context.mailboxAt(childText(request, 'MailboxSmtpAddress') ?? context.actingAs ?? '');
  if (mailbox.address !== context.actingAs) throw new EwsError('ErrorAccessDenied');
  return mailbox;
}

const succeeded = (name: string, rest: string): string =>
  `<m:${name}Response ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>${rest}</m:${name}Response>`;

function failed(name: string, thrown: unknown, rest = ''): string {
  const error = asEwsError(thrown);
  return `<m:${name}Response ResponseClass="Error"><m:MessageText>${esc(error.message)}</m:MessageText><m:ResponseCode>${error.code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>${rest}</m:${name}Response>`;
}

/** EWS doc: getinboxrules-operation. */
export const getInboxRules: Operation = {
  request: 'GetInboxRules',
  name: 'GetInboxRules',
  since: 'Exchange2010_SP1',
  run(request, context): Xml {
    try {
      const mailbox = ownMailbox(request, context);
      const outlook = mailbox.settings.get(outlookRulesSetting) === 'true';
      return succeeded(
        'GetInboxRules',
        `<m:OutlookRuleBlobExists>${outlook}</m:OutlookRuleBlobExists><m:InboxRules>${rulesOf(mailbox).map(serialize).join('')}</m:InboxRules>`,
      );
    } catch (thrown) {
      return failed('GetInboxRules', thrown);
    }
  },
};

/** All operations or none. (EWS doc: updateinboxrules-operation) */
export const updateInboxRules: Operation = {
  request: 'UpdateInboxRules',
  name: 'UpdateInboxRules',
  since: 'Exchange2010_SP1',
  run(request, context): Xml {
    try {
      const mailbox = ownMailbox(request, context);
      const removesOutlooks = isTrue(childText(request, 'RemoveOutlookRuleBlob'));
      if (mailbox.settings.get(outlookRulesSetting) === 'true' && !removesOutlooks)
        throw new EwsError('ErrorOutlookRuleBlobExists', 'Outlook keeps rules in this mailbox.');
      const rules = new Map(rulesOf(mailbox).map((rule) => [childText(rule, 'RuleId') ?? '', rule]));
      const errors: string[] = [];
      for (const [at, operation] of kids(child(request, 'Operations')).entries()) {
        const problem = apply(operation, rules, mailbox, context);
        if (problem !== null)
          errors.push(
            `<t:RuleOperationError><t:OperationIndex>${at}</t:OperationIndex><t:ValidationErrors><t:Error><t:FieldURI>${problem.field}</t:FieldURI><t:ErrorCode>${problem.code}</t:ErrorCode><t:ErrorMessage>${esc(problem.text)}</t:ErrorMessage><t:FieldValue></t:FieldValue></t:Error></t:ValidationErrors></t:RuleOperationError>`,
          );
      }
      if (errors.length > 0)
        return failed(
          'UpdateInboxRules',
          new EwsError('ErrorInboxRulesValidationError', 'A rule is not valid.'),
          `<m:RuleOperationErrors>${errors.join('')}</m:RuleOperationErrors>`,
        );
      const ordered = [...rules.values()].sort((a, b) => priorityOf(a) - priorityOf(b));
      mailbox.settings.set(rulesSetting, ordered.map(serialize).join(''));
      if (removesOutlooks) mailbox.settings.delete(outlookRulesSetting);
      mailbox.markDirty();
      return succeeded('UpdateInboxRules', '');
    } catch (thrown) {
      return failed('UpdateInboxRules', thrown);
    }
  },
};

const priorityOf = (rule: XmlElement): number => Number.parseInt(childText(rule, 'Priority') ?? '0', 10);

interface Problem {
  readonly field: string;
  readonly code: string;
  readonly text: string;
}

function apply(
  operation: XmlElement,
  rules: Map<string, XmlElement>,
  mailbox: Mailbox,
  context: Context,
): Problem | null {
  if (operation.name === 'DeleteRuleOperation') {
    const id = childText(operation, 'RuleId') ?? '';
    return rules.delete(id) ? null : { field: 'RuleId', code: 'RuleNotFound', text: 'There is no such rule.' };
  }
  const rule = child(operation, 'Rule');
  if (rule === null) throw new EwsError('ErrorInvalidRequest');
  const problem = problemIn(rule, context);
  if (problem !== null) return problem;
  if (operation.name === 'SetRuleOperation') {
    const id = childText(rule, 'RuleId') ?? '';
    if (!rules.has(id)) return { field: 'RuleId', code: 'RuleNotFound', text: 'There is no such rule.' };
    rules.set(id, rule);
    return null;
  }
  if (child(rule, 'RuleId') !== null)
    return { field: 'RuleId', code: 'CreateWithRuleId', text: 'A new rule has no id yet.' };
  const made = Number(mailbox.settings.get('rules-made') ?? '0') + 1;
  mailbox.settings.set('rules-made', String(made));
  const id = createHash('sha256').update(`${mailbox.guid} rule ${made}`).digest().subarray(0, 8).toString('base64');
  const named = parseXmlBytes(Buffer.from(`<rules ${declarations}><t:RuleId>${id}</t:RuleId></rules>`)).root.children;
  rules.set(id, { ...rule, children: [...named, ...rule.children] });
  return null;
}

/** What the server finds wrong with a rule. (EWS doc: errorcode-rulevalidationerrorcodetype) */
function problemIn(rule: XmlElement, context: Context): Problem | null {
  if ((childText(rule, 'DisplayName') ?? '').trim() === '')
    return { field: 'DisplayName', code: 'EmptyValueFound', text: 'A rule needs a name.' };
  if (priorityOf(rule) < 1) return { field: 'Priority', code: 'InvalidValue', text: 'Priorities begin with 1.' };
  const actions = child(rule, 'Actions');
  if (kids(actions).length === 0) return { field: 'Actions', code: 'MissingAction', text: 'A rule needs an action.' };
  for (const name of ['MoveToFolder', 'CopyToFolder']) {
    const [target] = kids(actions === null ? null : child(actions, name));
    if (target === undefined) continue;
    try {
      context.folder(target);
    } catch {
      return { field: `Action:${name}`, code: 'FolderDoesNotExist', text: 'There is no such folder.' };
    }
  }
  for (const name of ['ForwardToRecipients', 'RedirectToRecipients', 'ForwardAsAttachmentToRecipients']) {
    const addresses = kids(actions === null ? null : child(actions, name));
    if (addresses.some((one) => !(childText(one, 'EmailAddress') ?? '').includes('@')))
      return { field: `Action:${name}`, code: 'UnresolvedAddress', text: 'A recipient is not known.' };
  }
  return null;
}
