import type { StoreBehaviour } from './behaviours.ts';
import type { EwsVersion } from './seams.ts';

const since2010: readonly EwsVersion[] = ['2010', '2013', '2016', 'se'];

/** How settings of a mailbox behave (permissions, delegates, rules, stored settings), and how we know. */
export const settingsBehaviours: readonly StoreBehaviour[] = [
  {
    id: 'permissions-replaced',
    what: 'A PermissionSet in an update replaces all entries of the folder; those for Default and Anonymous stay, without rights',
    mark: 'assumed',
    source: 'EWS doc: permissionset-permissionsettype says that it is set as a whole',
  },
  {
    id: 'permissions-level-or-rights',
    what: 'Single rights are given with the level Custom only, and then all of them',
    mark: 'documented',
    source: 'EWS doc: permissionlevel; that Custom needs every right is assumed',
  },
  {
    id: 'permissions-known-people',
    what: 'An entry for somebody the organization does not know is refused, and nothing is written',
    mark: 'documented',
    source: 'EWS doc: responsecode ErrorInvalidUserInfo, ErrorDuplicateUserIdsSpecified',
  },
  {
    id: 'delegates-one-by-one',
    what: 'Delegates are added and changed one by one: one that is refused does not stop the others',
    mark: 'documented',
    source: 'EWS doc: adddelegate-operation, DelegateUserResponseMessageType',
  },
  {
    id: 'rules-all-or-nothing',
    what: 'An update of Inbox rules with one that is not valid changes none, and says which and why',
    versions: since2010,
    mark: 'documented',
    source: 'EWS doc: updateinboxrules-operation, ruleoperationerror',
  },
  {
    id: 'rules-of-outlook',
    what: 'Rules cannot be written while Outlook keeps some of its own, unless those are given up in the same request',
    versions: since2010,
    mark: 'documented',
    source: 'EWS doc: removeoutlookruleblob, outlookruleblobexists',
  },
  {
    id: 'configuration-by-name',
    what: 'A stored setting is found by its name in a folder; a second of the same name is refused',
    versions: since2010,
    mark: 'documented',
    source: 'EWS doc: createuserconfiguration-operation; the response code is assumed',
  },
];
