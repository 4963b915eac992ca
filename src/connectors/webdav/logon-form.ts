/** The form of a log-on page: where it goes, and what it carries besides what a person types. */
export interface LogonForm {
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
}

const fieldsMax = 32;

/** Null when the page has no form with a password in it. Never throws, whatever the page is. */
export function logonFormIn(html: string): LogonForm | null {
  for (const form of html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)) {
    const [, attributes = '', inside = ''] = form;
    const inputs = [...inside.matchAll(/<input\b([^>]*)>/gi)].slice(0, fieldsMax).map(([, text = '']) => text);
    if (!inputs.some((input) => attributeIn(input, 'name')?.toLowerCase() === 'password')) continue;
    const hidden: Record<string, string> = {};
    for (const input of inputs) {
      const name = attributeIn(input, 'name');
      if (name !== null && attributeIn(input, 'type')?.toLowerCase() === 'hidden')
        hidden[name] = attributeIn(input, 'value') ?? '';
    }
    return { action: attributeIn(attributes, 'action') ?? '', hidden };
  }
  return null;
}

function attributeIn(tag: string, name: string): string | null {
  const found = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(tag);
  return found === null ? null : unescaped(found[1] ?? found[2] ?? found[3] ?? '');
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (whole, name: string) => entities[name] ?? whole);
