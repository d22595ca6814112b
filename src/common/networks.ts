import { BlockList, isIP, isIPv6 } from 'node:net';

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** Whether an address lies in one of these networks; IPv4 addresses may come mapped into IPv6. */
export function withinNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(address, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family);
  }
  return address => isIP(address) !== 0 && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Whom an address is counted as: of IPv6 everybody has at least 2^64 of them (RFC 6177), so its first half counts. An IPv4
 * address counts as itself, also where it comes mapped into IPv6.
 */
export function senderOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [before = '', after] = address.split('::').map(part => part.split(':').filter(group => group !== ''));
  const missing = after ? Array.from({ length: 8 - before.length - after.length }, () => '0') : [];
  const groups = [...before, ...missing, ...(after ?? [])].slice(0, 4);
  return `${groups.map(group => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** `https://api.example.uz`, with or without a path. */
export function isWebAddress(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}

/** As it stands in a Host header before the port. */
export function isHostName(text: string): boolean {
  return /^(\*|\[[\da-f:.]+\]|[a-z\d_]([\w.-]*[a-z\d])?)$/i.test(text);
}

/** As browsers send it, letter by letter: without a final slash, a path or the usual port. Apps have schemes of their own. */
export function isOrigin(text: string): boolean {
  if (/^https?:/i.test(text)) return URL.parse(text)?.origin === text;
  return /^[a-z][a-z\d+.-]*:\/\/[^\s/?#]*$/.test(text);
}
