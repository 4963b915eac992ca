/** Addresses as directories keep them: values of proxyAddresses and targetAddress, `TYPE:address`, and what is compared of them. */

export interface ProxyAddress {
  /** Upper case: `SMTP`, `X500`, `X400`, `EUM`, `SIP`, `MAPIPDL`, … */
  readonly type: string;
  readonly address: string;
  /** The type is written in capitals: what others see. At most one of a type is. */
  readonly isPrimary: boolean;
}

/** rangeUpper of Proxy-Addresses and of ms-Exch-Target-Address. */
const lengthMax = 1123;
/** What Exchange takes of an SMTP address, and of what is before its @ (recipient resolution of Exchange). */
const smtpMax = 571;
const localPartMax = 315;

/** @returns null: not of the form `TYPE:address`, or longer than the attribute takes. */
export function parseProxyAddress(value: string): ProxyAddress | null {
  const match = /^([A-Za-z][A-Za-z0-9_-]{0,31}):(.+)$/su.exec(value);
  const [, type, address] = match ?? [];
  if (type === undefined || address === undefined || value.length > lengthMax) return null;
  return { type: type.toUpperCase(), address: address.trim(), isPrimary: type === type.toUpperCase() };
}

export function formatProxyAddress({ type, address, isPrimary }: ProxyAddress): string {
  return `${isPrimary ? type.toUpperCase() : type.toLowerCase()}:${address}`;
}

/** Equal for values that are one address: neither case nor being primary counts. Values that are no address are equal when their texts are. */
export function addressKey(value: string): string {
  const parsed = parseProxyAddress(value);
  return parsed === null ? value.toLowerCase() : `${parsed.type.toLowerCase()}:${parsed.address.toLowerCase()}`;
}

/**
 * The same for two values that are one to Exchange Online: it writes the type of what is no SMTP address as it likes, while of SMTP addresses
 * capitals make the one that others see.
 */
export function onlineAddressKey(value: string): string {
  return parseProxyAddress(value)?.type === 'SMTP' ? value : addressKey(value);
}

/** Whether mail servers would take it: one @, a host name of ASCII, nothing that a header or a filter would trip over. */
export function isSmtpAddress(address: string): boolean {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  return (
    at > 0 &&
    address.length <= smtpMax &&
    local.length <= localPartMax &&
    /^("[^"\\\u0000-\u001f\u007f]+"|[^\s"(),:;<>@[\\\]\u0000-\u001f\u007f]+)$/u.test(local) &&
    !/^\.|\.\.|\.$/.test(local) &&
    domain.length <= 255 &&
    /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(domain)
  );
}

/** Domain of an SMTP address, lower case; empty: it has none. */
export function domainOfAddress(address: string): string {
  return address.includes('@') ? address.slice(address.lastIndexOf('@') + 1).toLowerCase() : '';
}

/** SMTP addresses among the values, without their type, as written; the primary one first. */
export function smtpAddresses(values: readonly string[]): readonly string[] {
  const smtp = values.flatMap((value) => {
    const parsed = parseProxyAddress(value);
    return parsed?.type === 'SMTP' ? [parsed] : [];
  });
  return [...smtp.filter((a) => a.isPrimary), ...smtp.filter((a) => !a.isPrimary)].map(({ address }) => address);
}

/** The address that others see; null: none of the values is primary. */
export function primarySmtp(values: readonly string[]): string | null {
  for (const value of values) {
    const parsed = parseProxyAddress(value);
    if (parsed?.type === 'SMTP' && parsed.isPrimary) return parsed.address;
  }
  return null;
}

/** What old mail of an organization names a recipient by, as an address of the other one. */
export function x500Of(legacyExchangeDn: string): string {
  return `x500:${legacyExchangeDn}`;
}
